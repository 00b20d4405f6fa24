/*
 * Meets servers that break connections with libcurl, and names what becomes of it as docs/c.md
 * says.
 *
 *     curl POLICY SPOOL AUTHORITY {URL SECONDS}...
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heliograph.h"

/* What OpenSSL found wrong with a certificate, X509_V_ERR of x509_vfy.h. */
static const char *certificate(long verified) {
  switch (verified) {
  case 0: /* the chain is good, so it is the name */
  case 62:
  case 64:
    return "tls.cert.name_invalid";
  case 9:
  case 10:
    return "tls.cert.date_invalid";
  case 2:
  case 18:
  case 19:
  case 20:
  case 21:
    return "tls.cert.authority_invalid";
  default:
    return "tls.cert.invalid";
  }
}

/* Names what curl's result says; NULL: os_error or status says it. */
static const char *outcome(CURL *curl, CURLcode result, hg_observation *o) {
  long number = 0;
  switch (result) {
  case CURLE_OK:
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &number);
    o->status = (uint16_t)number;
    return NULL;
  case CURLE_COULDNT_RESOLVE_HOST:
    return "dns.name_not_resolved";
  case CURLE_COULDNT_CONNECT:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    o->os_error = (int32_t)number;
    return number != 0 ? NULL : "tcp.failed";
  case CURLE_OPERATION_TIMEDOUT:
    return "tcp.timed_out";
  case CURLE_PEER_FAILED_VERIFICATION:
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &number);
    return certificate(number);
  case CURLE_SSL_CONNECT_ERROR:
    return "tls.failed";
  case CURLE_GOT_NOTHING:
    return "http.response.invalid.empty";
  case CURLE_PARTIAL_FILE:
    return "http.response.invalid.content_length_mismatch";
  case CURLE_TOO_MANY_REDIRECTS:
    return "http.response.redirect_loop";
  case CURLE_ABORTED_BY_CALLBACK:
    return "abandoned";
  default:
    return "http.failed";
  }
}

static size_t ignore(char *data, size_t size, size_t count, void *unused) {
  (void)data;
  (void)unused;
  return size * count;
}

static void get(hg_agent agent, const char *authority, const char *url, long seconds) {
  CURL *curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_CAINFO, authority);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
  CURLcode result = curl_easy_perform(curl);
  hg_observation o = {0};
  o.size = sizeof o;
  o.url = url;
  o.method = "GET";
  o.outcome = outcome(curl, result, &o);
  hg_observe(agent, &o);
  fprintf(stderr, "%s: %d %s\n", url, result, curl_easy_strerror(result));
  curl_easy_cleanup(curl);
}

int main(int argc, char **argv) {
  static char policy[1 << 16];
  FILE *f = fopen(argv[1], "rb");
  if (argc < 4 || f == NULL)
    return 2;
  hg_options options = {0};
  options.size = sizeof options;
  options.app = "outcomes";
  options.consent = HG_CONSENT_COUNTS;
  options.policy = policy;
  options.policy_size = fread(policy, 1, sizeof policy, f);
  options.spool_dir = argv[2];
  fclose(f);
  hg_agent agent;
  char error[512];
  if (hg_open(&options, &agent, error, sizeof error) != HG_OK) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  for (int i = 4; i + 1 < argc; i += 2)
    get(agent, argv[3], argv[i], atol(argv[i + 1]));
  return hg_shutdown(agent, 30000);
}
