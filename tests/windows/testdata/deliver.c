/* Delivers what an earlier run has left: deliver POLICY-FILE SPOOL-DIR. */
#include <stdio.h>

#include "heliograph.h"

int main(int argc, char **argv) {
  static unsigned char policy[64 << 10];
  hg_agent agent;
  char error[512];
  FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (f == NULL) {
    return 2;
  }
  hg_options options = {.size = sizeof options, .consent = HG_CONSENT_DIAGNOSTICS, .app = "example", .version = "1.0.0", .policy = policy,
                        .policy_size = fread(policy, 1, sizeof policy, f), .spool_dir = argv[2]};
  fclose(f);
  if (hg_open(&options, &agent, error, sizeof error) != HG_OK) {
    fprintf(stderr, "hg_open: %s\n", error);
    return 1;
  }
  printf("%d segments remain\n", (int)hg_shutdown(agent, 60000));
  return 0;
}
