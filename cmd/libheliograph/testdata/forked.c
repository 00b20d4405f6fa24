/*
 * A parent counts, seals, forks and dies; its child lives on without exec. The next process finds one segment more than before. Prints
 * nothing and exits with 0 when all is well. forked POLICY-FILE SPOOL-DIR
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "begin.h"

static void parent(char **argv) {
  hg_observation o = {.size = sizeof o, .url = "https://shop.example/", .outcome = "tcp.reset"};
  hg_agent agent = begin("forked", argv[1], argv[2]);
  pid_t child;
  int ready[2];
  char c;
  hg_observe(agent, &o);
  hg_flush(agent, 0); /* sealed, and the segment still open */
  if (pipe(ready) != 0 || (child = fork()) < 0) {
    fail("fork", 0);
  }
  if (child == 0) {
    if (hg_observe(agent, &o) != HG_ERR_FORKED) {
      _exit(1);
    }
    (void)!write(ready[1], "x", 1);
    sleep(60);
    _exit(0);
  }
  if (read(ready[0], &c, 1) != 1) {
    fail("child", 0);
  }
  printf("%ld", (long)child);
  fflush(stdout);
  _exit(0); /* without hg_shutdown */
}

int main(int argc, char **argv) {
  hg_agent agent;
  int32_t remain;
  long child = 0;
  char command[10000];
  FILE *out;
  if (argc == 4) {
    parent(argv);
  }
  if (argc != 3) {
    fail("arguments", argc);
  }
  snprintf(command, sizeof command, "'%s' '%s' '%s' parent >'%s.pid'", argv[0], argv[1], argv[2], argv[2]);
  if (system(command) != 0) {
    fail("parent", 0);
  }
  snprintf(command, sizeof command, "%s.pid", argv[2]);
  if ((out = fopen(command, "r")) == NULL || fscanf(out, "%ld", &child) != 1 || kill((pid_t)child, 0) != 0) {
    fail("no child", child);
  }
  fclose(out);
  agent = begin("forked", argv[1], argv[2]);
  remain = hg_flush(agent, 500);
  kill((pid_t)child, SIGKILL);
  if (remain < 1) {
    fail("remain for the next process", remain);
  }
  hg_set_consent(agent, HG_CONSENT_OFF);
  hg_shutdown(agent, 0);
  return 0;
}
