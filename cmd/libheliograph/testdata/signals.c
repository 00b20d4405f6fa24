/*
 * A host that waits for its signals, by signalfd or sigwait, gets them, and no thread of the library does. Prints nothing and exits with 0
 * when all is well. signals POLICY-FILE SPOOL-DIR
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "begin.h"

static int constructed_blocked = -1; /* signals that were blocked when the host's constructors ran */

static int any_blocked(void) {
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, NULL, &now);
  for (int s = 1; s < 32; s++) {
    if (sigismember(&now, s) == 1) {
      return s;
    }
  }
  return 0;
}

__attribute__((constructor)) static void host_constructor(void) { constructed_blocked = any_blocked(); }

/* Every thread but this one blocks the signals of hosts. */
static void look_at_threads(void) {
  static const int hosts[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGQUIT, SIGWINCH, SIGTSTP};
  DIR *dir = opendir("/proc/self/task");
  struct dirent *entry;
  int others = 0;
  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    char name[300], line[256];
    FILE *status;
    if (entry->d_name[0] == '.' || atol(entry->d_name) == syscall(SYS_gettid)) {
      continue;
    }
    snprintf(name, sizeof name, "/proc/self/task/%s/status", entry->d_name);
    if ((status = fopen(name, "r")) == NULL) {
      continue;
    }
    while (fgets(line, sizeof line, status) != NULL) {
      unsigned long long mask;
      if (sscanf(line, "SigBlk: %llx", &mask) != 1) {
        continue;
      }
      others++;
      for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        if ((mask >> (hosts[i] - 1) & 1) == 0) {
          fail("a thread of the library would take signal", hosts[i]);
        }
      }
    }
    fclose(status);
  }
  if (dir == NULL || others < 2) {
    fail("threads of the library", others);
  }
  closedir(dir);
}

int main(int argc, char **argv) {
  static const int waited[] = {SIGTERM, SIGINT, SIGUSR1, SIGALRM, SIGHUP};
  hg_observation o = {.size = sizeof o, .url = "https://shop.example/", .outcome = "tcp.reset"};
  sigset_t s;
  hg_agent agent;
  if (argc != 3 || constructed_blocked != 0 || any_blocked() != 0) {
    fail("signals are blocked for the host", constructed_blocked);
  }
  agent = begin("signals", argv[1], argv[2]);
  for (int i = 0; i < 100; i++) {
    hg_observe(agent, &o);
  }
  hg_flush(agent, 300); /* connects, so that more threads begin */
  look_at_threads();
  for (size_t i = 0; i < sizeof waited / sizeof *waited; i++) {
    struct pollfd p = {0, POLLIN, 0};
    int got = 0;
    sigemptyset(&s);
    sigaddset(&s, waited[i]);
    sigprocmask(SIG_BLOCK, &s, NULL);
    p.fd = signalfd(-1, &s, 0);
    kill(getpid(), waited[i]);
    if (poll(&p, 1, 5000) != 1) {
      fail("signalfd did not tell of signal", waited[i]);
    }
    if (sigwait(&s, &got) != 0 || got != waited[i]) {
      fail("sigwait", got);
    }
    close(p.fd);
  }
  hg_shutdown(agent, 0);
  return 0;
}
