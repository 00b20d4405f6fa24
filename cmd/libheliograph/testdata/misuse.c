/* Everything that heliograph.h says must do no harm. Prints nothing and exits with 0 when nothing does. misuse POLICY-FILE SPOOL-DIR */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heliograph.h"

#define WANT(wanted, call) want((long long)(wanted), (long long)(call), #call, __LINE__)
#define THREADS 8
#define EACH 500

static void want(long long wanted, long long got, const char *call, int line) {
  if (got != wanted) {
    fprintf(stderr, "line %d: %s is %lld, not %lld\n", line, call, got, wanted);
    exit(1);
  }
}

static unsigned char policy[64 << 10];
static size_t policy_size;
static const char *spool;

static hg_options good_options(void) {
  hg_options o = {.size = sizeof o, .consent = HG_CONSENT_DIAGNOSTICS, .app = "misuse", .policy = policy, .policy_size = policy_size};
  o.spool_dir = spool;
  return o;
}

static hg_observation good_observation(void) {
  hg_observation o = {.size = sizeof o, .url = "https://shop.example/cart", .outcome = "tcp.reset"};
  return o;
}

static hg_agent open_agent(void) {
  hg_options o = good_options();
  hg_agent agent;
  char error[512];
  int32_t result = hg_open(&o, &agent, error, sizeof error);
  if (result != HG_OK || agent == 0 || error[0] != '\0') {
    fprintf(stderr, "hg_open: %d %s\n", (int)result, error);
    exit(1);
  }
  return agent;
}

static uint64_t observed(hg_agent agent) {
  hg_stats s = {.size = sizeof s};
  WANT(HG_OK, hg_get_stats(agent, &s));
  WANT(0, s.panics);
  return s.observed;
}

/* Opening with o must fail, and say why. */
static void refuse(const hg_options *o, const char *why) {
  hg_agent agent = 7;
  char error[512];
  WANT(HG_ERR_ARGUMENT, hg_open(o, &agent, error, sizeof error));
  WANT(0, agent);
  if (strstr(error, why) == NULL) {
    fprintf(stderr, "hg_open says \"%s\", without \"%s\"\n", error, why);
    exit(1);
  }
}

static void test_open(void) {
  hg_options o;
  hg_agent agent;
  char error[2] = "xy", *exact;
  struct {
    hg_options o;
    uint64_t more;
  } later;

  refuse(NULL, "argument");
  o = good_options(), o.size = 0, refuse(&o, "argument");
  o = good_options(), o.size--, refuse(&o, "argument");
  o = good_options(), o.size = UINT32_MAX, refuse(&o, "argument");
  o = good_options(), o.app = NULL, refuse(&o, "App");
  o = good_options(), o.app = "\xff", refuse(&o, "App");
  o = good_options(), o.policy = NULL, refuse(&o, "Policy");
  o = good_options(), o.policy_size = 0, refuse(&o, "Policy");
  o = good_options(), o.policy = "rubbish", o.policy_size = 7, refuse(&o, "Policy");
  o = good_options(), o.policy_size--, refuse(&o, "Policy");
  o = good_options(), o.spool_dir = NULL, refuse(&o, "spool_dir");
  o = good_options(), o.consent = -1, refuse(&o, "consent");
  o = good_options(), o.consent = HG_CONSENT_DIAGNOSTICS + 1, refuse(&o, "consent");

  o = good_options();
  WANT(HG_ERR_ARGUMENT, hg_open(&o, NULL, NULL, 0));
  o.app = NULL;
  WANT(HG_ERR_ARGUMENT, hg_open(&o, &agent, NULL, SIZE_MAX));
  WANT(HG_ERR_ARGUMENT, hg_open(&o, &agent, error, 0));
  WANT('x', error[0]);
  WANT(HG_ERR_ARGUMENT, hg_open(&o, &agent, error, 1));
  WANT('\0', error[0]);
  WANT('y', error[1]);
  exact = malloc(5); /* so that a sanitizer sees a write beyond it */
  WANT(HG_ERR_ARGUMENT, hg_open(&o, &agent, exact, 5));
  WANT(4, strlen(exact));
  free(exact);

  /* A structure of a later release opens as long as its new fields are not used. */
  memset(&later, 0, sizeof later);
  later.o = good_options(), later.o.size = sizeof later;
  WANT(HG_OK, hg_open(&later.o, &agent, NULL, 0));
  WANT(0, hg_shutdown(agent, 0));
  later.more = 1;
  refuse(&later.o, "argument");
}

static void test_handles(void) {
  const hg_agent bad[] = {0, 1000, UINT64_C(1) << 63, UINT64_MAX};
  hg_observation o = good_observation();
  hg_stats s = {.size = sizeof s};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    WANT(HG_ERR_HANDLE, hg_observe(bad[i], &o));
    WANT(HG_ERR_HANDLE, hg_set_consent(bad[i], HG_CONSENT_COUNTS));
    WANT(HG_ERR_HANDLE, hg_flush(bad[i], UINT32_MAX));
    WANT(HG_ERR_HANDLE, hg_shutdown(bad[i], UINT32_MAX));
    WANT(HG_ERR_HANDLE, hg_get_stats(bad[i], &s));
    WANT(HG_ERR_HANDLE, hg_sent(bad[i], NULL, 0));
  }
  WANT(0, strcmp(hg_version(), HG_VERSION));
  for (int32_t result = -20; result < 3; result++) {
    WANT(1, strlen(hg_error_text(result)) > 0);
  }
  WANT(0, strcmp(hg_error_text(INT32_MIN), "unknown error"));
}

static void test_observe(void) {
  static const char *const refused[] = {NULL, "", "shop.example", "://", "https://", "https:///x", "https://user@/x",
                                        "ftp://shop.example/", "\xff\xfe"};
  hg_agent agent = open_agent();
  hg_observation o;
  hg_stats s = {.size = sizeof s - 1};
  uint64_t count = 0;
  char *text;

  WANT(HG_ERR_ARGUMENT, hg_get_stats(agent, NULL));
  WANT(HG_ERR_ARGUMENT, hg_get_stats(agent, &s));
  WANT(HG_ERR_ARGUMENT, hg_observe(agent, NULL));
  o = good_observation(), o.size = 0;
  WANT(HG_ERR_ARGUMENT, hg_observe(agent, &o));
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    o = good_observation(), o.url = refused[i];
    WANT(HG_ERR_ARGUMENT, hg_observe(agent, &o));
  }
  WANT(count, observed(agent));

  /* Odd, but counted. */
  o = good_observation(), o.outcome = "No Outcome\n", o.server = "somewhere", o.protocol = "\xff", o.method = "\xff", o.status = 65535;
  o.flags = 65535, o.os_error = INT32_MIN, o.elapsed_ms = 0, memset(o.trace_id, 255, sizeof o.trace_id);
  WANT(HG_OK, hg_observe(agent, &o)), count++;
  o = good_observation(), o.outcome = NULL, o.os_error = -1;
  WANT(HG_OK, hg_observe(agent, &o)), count++;
  WANT(count, observed(agent));

  /* It began before consent. */
  o = good_observation(), o.elapsed_ms = UINT32_MAX;
  WANT(HG_CONSENT_OFF, hg_set_consent(agent, HG_CONSENT_OFF));
  WANT(HG_OK, hg_observe(agent, &o));
  WANT(HG_CONSENT_DIAGNOSTICS, hg_set_consent(agent, HG_CONSENT_DIAGNOSTICS));
  WANT(HG_OK, hg_observe(agent, &o));
  WANT(count, observed(agent));

  /* A megabyte of everything, exactly allocated, gone after the call. */
  text = malloc(1 << 20);
  memset(text, 'a', 1 << 20);
  memcpy(text, "https://shop.example/", 21);
  text[(1 << 20) - 1] = '\0';
  o = good_observation(), o.url = o.outcome = o.protocol = o.server = o.method = text;
  WANT(HG_OK, hg_observe(agent, &o)), count++;
  memset(text, 0, 1 << 20);
  free(text);
  text = strdup("http://a.b/c");
  o = good_observation(), o.url = text;
  WANT(HG_OK, hg_observe(agent, &o)), count++;
  free(text);
  WANT(count, observed(agent));

  /* No level means off. */
  WANT(HG_ERR_ARGUMENT, hg_set_consent(agent, 3));
  s.size = sizeof s;
  WANT(HG_OK, hg_get_stats(agent, &s));
  WANT(HG_CONSENT_OFF, s.consent);
  WANT(HG_ERR_ARGUMENT, hg_set_consent(agent, INT32_MIN));
  WANT(0, hg_shutdown(agent, 0));
  WANT(HG_ERR_HANDLE, hg_shutdown(agent, 0));
  o = good_observation();
  WANT(HG_ERR_HANDLE, hg_observe(agent, &o));
}

static hg_error good_error(void) {
  static const hg_frame frames[] = {{.function = "cart_load", .file = "src/cart.c", .line = 17}, {.function = "main", .file = "main.c"}};
  hg_error e = {.size = sizeof e, .type = "cart.unreadable", .message = "cart of bob@shop.example", .frames = frames, .frame_count = 2};
  return e;
}

static void test_errors(void) {
  hg_agent agent = open_agent();
  hg_error e;
  hg_frame *many;
  char *text, *exact, byte = 'x';
  struct {
    hg_error e;
    uint64_t more;
  } later;

  WANT(HG_ERR_ARGUMENT, hg_capture_error(agent, NULL));
  e = good_error(), e.size--;
  WANT(HG_ERR_ARGUMENT, hg_capture_error(agent, &e));
  e = good_error(), e.type = NULL;
  WANT(HG_ERR_ARGUMENT, hg_capture_error(agent, &e));
  e = good_error(), e.kind = -1;
  WANT(HG_ERR_ARGUMENT, hg_capture_error(agent, &e));
  e = good_error(), e.kind = HG_KIND_LOG + 1;
  WANT(HG_ERR_ARGUMENT, hg_capture_error(agent, &e));
  e = good_error(), e.frames = NULL;
  WANT(HG_ERR_ARGUMENT, hg_capture_error(agent, &e));
  memset(&later, 0, sizeof later);
  later.e = good_error(), later.e.size = sizeof later, later.more = 1;
  WANT(HG_ERR_ARGUMENT, hg_capture_error(agent, &later.e));
  WANT(0, hg_flush(agent, 0)); /* nothing to seal */

  /* Odd, but recorded. */
  later.more = 0;
  WANT(HG_OK, hg_capture_error(agent, &later.e));
  e = good_error(), e.message = NULL, e.frames = NULL, e.frame_count = 0, memset(e.trace_id, 255, sizeof e.trace_id);
  WANT(HG_OK, hg_capture_error(agent, &e));
  text = malloc(1 << 20); /* exactly allocated, gone after the call */
  memset(text, 0xff, 1 << 20);
  text[(1 << 20) - 1] = '\0';
  many = calloc(1000, sizeof *many);
  many[31].function = many[0].file = text, many[1].line = UINT32_MAX;
  e = good_error(), e.type = e.message = text, e.frames = many, e.frame_count = SIZE_MAX;
  WANT(HG_OK, hg_capture_error(agent, &e));
  memset(text, 0, 1 << 20);
  free(text);
  free(many);
  WANT(1, hg_flush(agent, 0));
  WANT(0, observed(agent)); /* errors are no requests */

  /* No collector has it, so nothing was sent. */
  WANT(0, hg_sent(agent, NULL, 0));
  WANT(HG_ERR_ARGUMENT, hg_sent(agent, NULL, 1));
  WANT(0, hg_sent(agent, &byte, 0));
  WANT('x', byte);
  exact = malloc(1);
  WANT(0, hg_sent(agent, exact, 1));
  WANT('\0', exact[0]);
  free(exact);
  WANT(0, hg_sent(agent, &byte, SIZE_MAX));
  WANT(1, hg_shutdown(agent, 0));
  WANT(HG_ERR_HANDLE, hg_sent(agent, NULL, 0));
  e = good_error();
  WANT(HG_ERR_HANDLE, hg_capture_error(agent, &e));
}

static void test_limit(void) {
  hg_options o = good_options();
  hg_agent agents[HG_MAX_AGENTS], more;
  o.consent = HG_CONSENT_OFF;
  for (int i = 0; i < HG_MAX_AGENTS; i++) {
    WANT(HG_OK, hg_open(&o, &agents[i], NULL, 0));
  }
  WANT(HG_ERR_LIMIT, hg_open(&o, &more, NULL, 0));
  for (int i = 0; i < HG_MAX_AGENTS; i++) {
    WANT(0, hg_shutdown(agents[i], 0));
  }
}

static void *observe_many(void *agent) {
  char url[64], outcome[32];
  for (int i = 0; i < EACH; i++) {
    hg_observation o = {.size = sizeof o, .url = url, .outcome = outcome};
    snprintf(url, sizeof url, "https://shop%d.example/cart/%d", i % 7, i);
    snprintf(outcome, sizeof outcome, i % 2 ? "ok" : "tcp.reset");
    WANT(HG_OK, hg_observe(*(hg_agent *)agent, &o));
    memset(url, 'x', sizeof url - 1);
    memset(outcome, 'X', sizeof outcome - 1);
  }
  return NULL;
}

static void *look_on(void *agent) {
  for (int i = 0; i < EACH / 10; i++) {
    observed(*(hg_agent *)agent);
    WANT(1, hg_flush(*(hg_agent *)agent, 0) >= 0);
    WANT(1, hg_set_consent(*(hg_agent *)agent, 1 + i % 2) > 0);
  }
  return NULL;
}

static void *shut_down(void *agent) {
  hg_observation o = good_observation();
  int32_t result;
  WANT(1, hg_shutdown(*(hg_agent *)agent, 0) != HG_ERR_INTERNAL);
  result = hg_observe(*(hg_agent *)agent, &o);
  WANT(1, result == HG_OK || result == HG_ERR_HANDLE);
  return NULL;
}

static void run(void *(*f)(void *), hg_agent *agent, pthread_t *threads, int n) {
  for (int i = 0; i < n; i++) {
    WANT(0, pthread_create(&threads[i], NULL, f, agent));
  }
}

static void test_threads(void) {
  hg_agent agent = open_agent();
  pthread_t threads[THREADS + 2];
  run(observe_many, &agent, threads, THREADS);
  run(look_on, &agent, threads + THREADS, 2);
  for (int i = 0; i < THREADS + 2; i++) {
    WANT(0, pthread_join(threads[i], NULL));
  }
  WANT(THREADS * EACH, observed(agent));
  run(shut_down, &agent, threads, THREADS);
  for (int i = 0; i < THREADS; i++) {
    WANT(0, pthread_join(threads[i], NULL));
  }
  WANT(HG_ERR_HANDLE, hg_flush(agent, 0));
}

static void test_fork(void) {
  hg_agent agent = open_agent();
  hg_observation o = good_observation();
  hg_options options = good_options();
  hg_stats s = {.size = sizeof s};
  int status;
  pid_t child = fork();
  if (child == 0) {
    hg_agent other;
    alarm(60); /* a hang must not hang the test */
    WANT(HG_ERR_FORKED, hg_observe(agent, &o));
    WANT(HG_ERR_FORKED, hg_set_consent(agent, HG_CONSENT_OFF));
    WANT(HG_ERR_FORKED, hg_get_stats(agent, &s));
    WANT(HG_ERR_FORKED, hg_flush(agent, UINT32_MAX));
    WANT(HG_ERR_FORKED, hg_shutdown(agent, UINT32_MAX));
    WANT(HG_ERR_FORKED, hg_capture_error(agent, NULL));
    WANT(HG_ERR_FORKED, hg_sent(agent, NULL, 0));
    WANT(HG_ERR_FORKED, hg_open(&options, &other, NULL, 0));
    WANT(0, strcmp(hg_version(), HG_VERSION));
    _exit(0);
  }
  WANT(child, waitpid(child, &status, 0));
  WANT(0, status);
  WANT(HG_OK, hg_observe(agent, &o));
  WANT(1, observed(agent));
  WANT(1, hg_shutdown(agent, 0) > 0);
}

int main(int argc, char **argv) {
  FILE *f;
  if (argc != 3 || (f = fopen(argv[1], "rb")) == NULL) {
    return 2;
  }
  policy_size = fread(policy, 1, sizeof policy, f);
  fclose(f);
  spool = argv[2];
  test_open();
  test_handles();
  test_observe();
  test_limit();
  test_errors();
  test_threads();
  test_fork();
  return 0;
}
