/*
 * The outer half of the library: heliograph.h in C, over the Go functions of exports.go. It is in C because Go functions cannot take
 * const pointers, and because in a forked child even entering Go may hang for ever.
 */
#ifdef _WIN32
#define HG_API __declspec(dllexport)
#else
#define HG_API __attribute__((visibility("default")))
#include <pthread.h>
#endif

#include <string.h>

#include "_cgo_export.h"
#include "forked.h"
#include "heliograph.h"
#include "signals.h"

#define LARGEST 4096 /* bytes; a structure that claims more is none */

/* What the first release had. Fields that came later may be missing. */
#define OPTIONS_LEAST (offsetof(hg_options, spool_dir) + sizeof(char *))
#define OBSERVATION_LEAST (offsetof(hg_observation, method) + sizeof(char *))
#define ERROR_LEAST (offsetof(hg_error, frame_count) + sizeof(size_t))
#define STATS_LEAST (offsetof(hg_stats, panics) + sizeof(uint64_t))

/* Padding at the end would let a later field hide in an old size. */
_Static_assert(OPTIONS_LEAST == sizeof(hg_options), "hg_options has padding at its end");
_Static_assert(offsetof(hg_observation, unused) + sizeof(uint32_t) == sizeof(hg_observation), "hg_observation has padding at its end");
_Static_assert(ERROR_LEAST == sizeof(hg_error), "hg_error has padding at its end");
_Static_assert(STATS_LEAST == sizeof(hg_stats), "hg_stats has padding at its end");

#ifdef __linux__
/* In a program, which has this file before Go's object. */
__attribute__((constructor)) static void block_signals(void) { hg_block_signals(); }
#endif

static int forked; /* written only in a child that has one thread yet */

#ifndef _WIN32
static void in_child(void) {
  forked = 1;
  hg_close_spools();
}

__attribute__((constructor)) static void watch_forks(void) { (void)pthread_atfork(NULL, NULL, in_child); }
#endif

/*
 * Copies a caller's structure of any age to one of this age. It returns 0 for one that is shorter than the first release's, or that
 * uses fields of a later release, which this library could only ignore.
 */
static int take(void *to, size_t to_size, size_t least, const void *from) {
  uint32_t size;
  if (from == NULL) {
    return 0;
  }
  memcpy(&size, from, sizeof size);
  if (size < least || size > LARGEST) {
    return 0;
  }
  for (size_t i = to_size; i < size; i++) {
    if (((const unsigned char *)from)[i] != 0) {
      return 0;
    }
  }
  memset(to, 0, to_size);
  memcpy(to, from, size < to_size ? size : to_size);
  return 1;
}

int32_t hg_open(const hg_options *options, hg_agent *agent, char *error, size_t error_size) {
  hg_options o;
  int32_t result = HG_ERR_ARGUMENT;
  if (error_size > LARGEST) {
    error_size = LARGEST;
  }
  if (error != NULL && error_size > 0) {
    error[0] = '\0';
  } else {
    error = NULL;
  }
  if (agent != NULL) {
    *agent = 0;
  }
  if (forked) {
    result = HG_ERR_FORKED;
  } else if (agent != NULL && take(&o, sizeof o, OPTIONS_LEAST, options)) {
    result = hgo_open(&o, agent, error, error_size);
  }
  if (result != HG_OK && error != NULL && error[0] == '\0') {
    strncat(error, hg_error_text(result), error_size - 1);
  }
  return result;
}

int32_t hg_observe(hg_agent agent, const hg_observation *observation) {
  hg_observation o;
  if (forked) {
    return HG_ERR_FORKED;
  }
  if (!take(&o, sizeof o, OBSERVATION_LEAST, observation)) {
    return HG_ERR_ARGUMENT;
  }
  return hgo_observe(agent, &o);
}

int32_t hg_capture_error(hg_agent agent, const hg_error *error) {
  hg_error e;
  if (forked) {
    return HG_ERR_FORKED;
  }
  if (!take(&e, sizeof e, ERROR_LEAST, error) || (e.frames == NULL && e.frame_count > 0)) {
    return HG_ERR_ARGUMENT;
  }
  return hgo_capture_error(agent, &e);
}

int32_t hg_set_consent(hg_agent agent, int32_t consent) { return forked ? HG_ERR_FORKED : hgo_set_consent(agent, consent); }

int32_t hg_flush(hg_agent agent, uint32_t timeout_ms) { return forked ? HG_ERR_FORKED : hgo_flush(agent, timeout_ms); }

int32_t hg_shutdown(hg_agent agent, uint32_t timeout_ms) { return forked ? HG_ERR_FORKED : hgo_shutdown(agent, timeout_ms); }

int32_t hg_sent(hg_agent agent, char *text, size_t size) {
  if (text != NULL && size > 0) {
    text[0] = '\0';
  }
  if (forked) {
    return HG_ERR_FORKED;
  }
  if (text == NULL && size > 0) {
    return HG_ERR_ARGUMENT;
  }
  return hgo_sent(agent, text, size);
}

int32_t hg_get_stats(hg_agent agent, hg_stats *stats) {
  hg_stats s = {0};
  int32_t result;
  uint32_t size;
  if (forked) {
    return HG_ERR_FORKED;
  }
  if (stats == NULL || stats->size < STATS_LEAST || stats->size > LARGEST) {
    return HG_ERR_ARGUMENT;
  }
  result = hgo_get_stats(agent, &s);
  if (result == HG_OK) {
    size = stats->size;
    memset(stats, 0, size);
    memcpy(stats, &s, size < sizeof s ? size : sizeof s);
    stats->size = size;
  }
  return result;
}

const char *hg_error_text(int32_t result) {
  switch (result) {
  case HG_ERR_ARGUMENT:
    return "an argument is NULL, out of its range or not what it should be";
  case HG_ERR_HANDLE:
    return "no such agent, or it was shut down";
  case HG_ERR_LIMIT:
    return "too many agents are open in this process";
  case HG_ERR_SPOOL:
    return "the spool directory cannot be read or written, or its disk does not answer";
  case HG_ERR_FORKED:
    return "this process was forked from the one that loaded the library";
  case HG_ERR_INTERNAL:
    return "a fault of the library's own was caught";
  default:
    return result < 0 ? "unknown error" : "success";
  }
}

const char *hg_version(void) { return HG_VERSION; }
