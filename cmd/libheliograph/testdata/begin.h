/* begin.h has what the test programs share: fail ends the program, begin opens an agent. */
#include <stdio.h>
#include <stdlib.h>

#include "heliograph.h"

static void fail(const char *what, long number) {
  fprintf(stderr, "%s: %ld\n", what, number);
  exit(1);
}

static hg_agent begin(const char *app, const char *policy_name, const char *spool) {
  static unsigned char policy[64 << 10];
  hg_options o = {.size = sizeof o, .consent = HG_CONSENT_COUNTS, .app = app, .policy = policy, .spool_dir = spool};
  FILE *f = fopen(policy_name, "rb");
  hg_agent agent;
  char error[512];
  if (f == NULL) {
    fail("policy", 0);
  }
  o.policy_size = fread(policy, 1, sizeof policy, f);
  fclose(f);
  if (hg_open(&o, &agent, error, sizeof error) != HG_OK) {
    fail(error, 0);
  }
  return agent;
}
