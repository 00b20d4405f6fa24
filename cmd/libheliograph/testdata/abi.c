/* The interface of release 0.1.0 and what came after it, bit by bit. It compiles as C and as C++ as long as the header keeps it. */
#include "heliograph.h"

#define HOLDS(name, condition) typedef char name[(condition) ? 1 : -1]

HOLDS(options_size, sizeof(hg_options) == 8 + 5 * sizeof(void *));
HOLDS(options_consent, offsetof(hg_options, consent) == 4);
HOLDS(options_app, offsetof(hg_options, app) == 8);
HOLDS(options_version, offsetof(hg_options, version) == 8 + sizeof(void *));
HOLDS(options_policy, offsetof(hg_options, policy) == 8 + 2 * sizeof(void *));
HOLDS(options_policy_size, offsetof(hg_options, policy_size) == 8 + 3 * sizeof(void *));
HOLDS(options_spool_dir, offsetof(hg_options, spool_dir) == 8 + 4 * sizeof(void *));

HOLDS(observation_size, sizeof(hg_observation) == 40 + 5 * sizeof(void *));
HOLDS(observation_os_error, offsetof(hg_observation, os_error) == 4);
HOLDS(observation_elapsed_ms, offsetof(hg_observation, elapsed_ms) == 8);
HOLDS(observation_status, offsetof(hg_observation, status) == 12);
HOLDS(observation_flags, offsetof(hg_observation, flags) == 14);
HOLDS(observation_trace_id, offsetof(hg_observation, trace_id) == 16);
HOLDS(observation_url, offsetof(hg_observation, url) == 32);
HOLDS(observation_outcome, offsetof(hg_observation, outcome) == 32 + sizeof(void *));
HOLDS(observation_protocol, offsetof(hg_observation, protocol) == 32 + 2 * sizeof(void *));
HOLDS(observation_server, offsetof(hg_observation, server) == 32 + 3 * sizeof(void *));
HOLDS(observation_method, offsetof(hg_observation, method) == 32 + 4 * sizeof(void *));
HOLDS(observation_head_ms, offsetof(hg_observation, head_ms) == 32 + 5 * sizeof(void *));

HOLDS(frame_size, sizeof(hg_frame) == 8 + 2 * sizeof(void *));
HOLDS(frame_function, offsetof(hg_frame, function) == 0);
HOLDS(frame_file, offsetof(hg_frame, file) == sizeof(void *));
HOLDS(frame_line, offsetof(hg_frame, line) == 2 * sizeof(void *));

HOLDS(error_size, sizeof(hg_error) == 24 + 4 * sizeof(void *));
HOLDS(error_kind, offsetof(hg_error, kind) == 4);
HOLDS(error_trace_id, offsetof(hg_error, trace_id) == 8);
HOLDS(error_type, offsetof(hg_error, type) == 24);
HOLDS(error_message, offsetof(hg_error, message) == 24 + sizeof(void *));
HOLDS(error_frames, offsetof(hg_error, frames) == 24 + 2 * sizeof(void *));
HOLDS(error_frame_count, offsetof(hg_error, frame_count) == 24 + 3 * sizeof(void *));

HOLDS(stats_size, sizeof(hg_stats) == 72);
HOLDS(stats_consent, offsetof(hg_stats, consent) == 4);
HOLDS(stats_policy_version, offsetof(hg_stats, policy_version) == 8);
HOLDS(stats_observed, offsetof(hg_stats, observed) == 16);
HOLDS(stats_sealed, offsetof(hg_stats, sealed) == 24);
HOLDS(stats_delivered, offsetof(hg_stats, delivered) == 32);
HOLDS(stats_dropped, offsetof(hg_stats, dropped) == 40);
HOLDS(stats_pending, offsetof(hg_stats, pending) == 48);
HOLDS(stats_pending_bytes, offsetof(hg_stats, pending_bytes) == 56);
HOLDS(stats_panics, offsetof(hg_stats, panics) == 64);

HOLDS(results, HG_OK == 0 && HG_ERR_ARGUMENT == -1 && HG_ERR_HANDLE == -2 && HG_ERR_LIMIT == -3 && HG_ERR_SPOOL == -4 &&
                   HG_ERR_FORKED == -5 && HG_ERR_INTERNAL == -6);
HOLDS(levels, HG_CONSENT_OFF == 0 && HG_CONSENT_COUNTS == 1 && HG_CONSENT_DIAGNOSTICS == 2);
HOLDS(flags, HG_FLAG_RETRY == 1 && HG_FLAG_NETWORK_CHANGED == 2);
HOLDS(kinds, HG_KIND_ERROR == 1 && HG_KIND_PANIC == 2 && HG_KIND_LOG == 3);

struct functions {
  int32_t (*open)(const hg_options *, hg_agent *, char *, size_t);
  int32_t (*observe)(hg_agent, const hg_observation *);
  int32_t (*set_consent)(hg_agent, int32_t);
  int32_t (*flush)(hg_agent, uint32_t);
  int32_t (*shutdown)(hg_agent, uint32_t);
  int32_t (*get_stats)(hg_agent, hg_stats *);
  const char *(*error_text)(int32_t);
  const char *(*version)(void);
  int32_t (*capture_error)(hg_agent, const hg_error *);
  int32_t (*sent)(hg_agent, char *, size_t);
};

extern const struct functions functions;
const struct functions functions = {hg_open,     hg_observe,   hg_set_consent, hg_flush,
                                    hg_shutdown, hg_get_stats, hg_error_text,  hg_version,
                                    hg_capture_error, hg_sent};
