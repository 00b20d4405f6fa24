/* Delivers to a collector that misbehaves, and stays until its standard input ends. quiet POLICY-FILE SPOOL-DIR */
#include <stdio.h>

#include "heliograph.h"

int main(int argc, char **argv) {
  static unsigned char policy[64 << 10];
  hg_observation o = {.size = sizeof o, .url = "https://shop.example/", .outcome = "tcp.reset"};
  hg_agent agent;
  FILE *f;
  if (argc != 3 || (f = fopen(argv[1], "rb")) == NULL) {
    return 2;
  }
  hg_options options = {.size = sizeof options, .consent = HG_CONSENT_COUNTS, .app = "quiet", .policy = policy};
  options.policy_size = fread(policy, 1, sizeof policy, f);
  options.spool_dir = argv[2];
  fclose(f);
  if (hg_open(&options, &agent, NULL, 0) != HG_OK || hg_observe(agent, &o) != HG_OK || hg_flush(agent, 10000) != 1) {
    return 3;
  }
  while (getchar() != EOF) {
  }
  return hg_shutdown(agent, 10000) == 1 ? 0 : 4;
}
