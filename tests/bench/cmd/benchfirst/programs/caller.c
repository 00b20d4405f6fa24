/* A program that asks its service every two seconds: caller POLICY SPOOL URL. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "heliograph.h"

static size_t ignore(char *data, size_t size, size_t n, void *to) {
  (void)data, (void)to;
  return size * n;
}

int main(int argc, char **argv) {
  static unsigned char policy[64 << 10];
  char error[512];
  hg_agent agent;
  FILE *f = argc == 4 ? fopen(argv[1], "rb") : NULL;
  if (f == NULL) {
    return 2;
  }
  hg_options options = {.size = sizeof options, .consent = HG_CONSENT_COUNTS, .app = "shop", .version = "1.0.0", .policy = policy,
                        .policy_size = fread(policy, 1, sizeof policy, f), .spool_dir = argv[2]};
  fclose(f);
  if (hg_open(&options, &agent, error, sizeof error) != HG_OK) {
    fprintf(stderr, "hg_open: %s\n", error);
    return 1;
  }
  for (;; sleep(2)) {
    CURL *curl = curl_easy_init();
    long status = 0, os_error = 0;
    hg_observation o = {.size = sizeof o, .url = argv[3], .method = "GET"};
    curl_easy_setopt(curl, CURLOPT_URL, argv[3]);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    CURLcode result = curl_easy_perform(curl);
    if (result == CURLE_OK) {
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
      o.status = (uint16_t)status;
    } else {
      curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
      o.os_error = (int32_t)os_error;
      o.outcome = os_error ? NULL : "tcp.failed";
    }
    hg_observe(agent, &o);
    curl_easy_cleanup(curl);
  }
}
