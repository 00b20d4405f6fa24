/*
 * heliograph.h: the agent of Heliograph for C, C++ and whatever can call C.
 *
 * It counts what became of an application's requests, seals the counts to the operator's key, keeps them on disk through any outage
 * and delivers them to collectors that share nothing with the service. Most readers need hg_open, hg_observe and hg_shutdown.
 * docs/c.md is the five-minute start.
 *
 * Promises. Every function may be called by any number of threads at once, with any handle and with NULL. None prints, none blocks
 * on the network but hg_flush and hg_shutdown, and those no longer than they are told to, plus a second. No pointer is kept: what a
 * caller passes in is its own again when the function returns. Nothing is recorded, stored or sent without consent.
 *
 * Results. Below 0: an HG_ERR code, and nothing was done unless it says so. 0 and above: success.
 *
 * Strings are UTF-8 and end in NUL. A NULL string is an empty one.
 *
 * Structures begin with their own size, which the caller sets to sizeof, and all else that is not used is 0: that is how a program
 * and a library of different age understand each other. Fields are only ever added, at the end.
 *
 *     hg_observation o = {0};
 *     o.size = sizeof o;
 *
 * What the host should know about the Go runtime inside. It starts when the library is loaded, before main, and stays until
 * the process ends (dlclose does nothing).
 * Threads: it starts a few of its own. Calls from any thread are fine, from a signal handler they are not.
 * Signals: it installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGPIPE and SIGURG and passes on what is not its own to the handlers that
 * were there before. On Linux its threads block all other signals, so that a host that waits for SIGTERM by sigwait or signalfd gets it.
 * The exceptions are SIGCHLD and SIGPROF, which the runtime unblocks in its threads whatever one does: wait for children by waitpid, a
 * pidfd or a handler, not by signalfd. Elsewhere load the library with the signals blocked that are the host's. A host that installs
 * handlers later must set SA_ONSTACK, because they may run on a Go thread's small stack. SIGPIPE may be ignored or handled; elsewhere
 * than on Linux a host that sets it back to SIG_DFL later would die of a collector that hangs up.
 * Descriptors: the runtime waits for its connections by an epoll descriptor and an eventfd of its own, from the first hg_flush or
 * delivery on. A host that closes descriptors that it has not opened (close_range, closefrom, a loop up to the limit) in a process that
 * goes on using the library makes the runtime abort the process; nothing can catch that. Close them before the library is loaded, or in
 * a child between fork and exec; or set FD_CLOEXEC instead (CLOSE_RANGE_CLOEXEC), which the library's descriptors have anyway.
 * fork: a child has none of the runtime's threads, so there every function but hg_version and hg_error_text returns HG_ERR_FORKED. On Linux
 * it closes what it has inherited of spool directories, whose locks would outlive the parent in it. (A child made by the bare system call
 * clone is not noticed.) exec in the child, or load the library (dlopen) only in the process that is to use it: after daemon(3), in a server's workers.
 */
#ifndef HELIOGRAPH_H
#define HELIOGRAPH_H

#include <stddef.h>
#include <stdint.h>

#ifndef HG_API
#define HG_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; hg_version returns the library's. */
#define HG_VERSION "0.2.0-dev"

/* Results. */
#define HG_OK 0
#define HG_ERR_ARGUMENT (-1) /* an argument is NULL, out of its range or not what it should be */
#define HG_ERR_HANDLE (-2)   /* no such agent, or it was shut down */
#define HG_ERR_LIMIT (-3)    /* HG_MAX_AGENTS are open */
#define HG_ERR_SPOOL (-4)    /* the spool directory cannot be read or written, or its disk does not answer */
#define HG_ERR_FORKED (-5)   /* this process was forked from the one that loaded the library */
#define HG_ERR_INTERNAL (-6) /* a fault of the library's own, caught */

/* Agents that a process may have open at a time. One is enough for an application. */
#define HG_MAX_AGENTS 64

/* What a user allows. */
#define HG_CONSENT_OFF 0         /* nothing is recorded, stored or sent */
#define HG_CONSENT_COUNTS 1      /* how many requests ended how, per target */
#define HG_CONSENT_DIAGNOSTICS 2 /* and a few failures in detail, with scrubbed URLs; scrubbed messages and stacks of errors */

/* hg_observation.flags */
#define HG_FLAG_RETRY 1           /* the request repeats one that failed */
#define HG_FLAG_NETWORK_CHANGED 2 /* the client's network changed meanwhile */

/* hg_error.kind */
#define HG_KIND_ERROR 1 /* the application noticed it */
#define HG_KIND_PANIC 2 /* it ends a thread or the process */
#define HG_KIND_LOG 3   /* the application logged it */

/* An open agent. 0 is never one, and no number is given out twice in a process. */
typedef uint64_t hg_agent;

typedef struct hg_options {
  uint32_t size;         /* sizeof(hg_options) */
  int32_t consent;       /* HG_CONSENT_…, what the user allows now; off also deletes what an earlier run left in the spool */
  const char *app;       /* the application's name; required, at most 256 bytes */
  const char *version;   /* the application's version, at most 256 bytes */
  const void *policy;    /* the operator's signed policy, as a file of `heliograph init`; required; its signer is trusted */
  size_t policy_size;    /* bytes of it */
  const char *spool_dir; /* where reports wait, sealed; required. Made when needed, for the owner only. Processes may share it. */
} hg_options;

typedef struct hg_observation {
  uint32_t size;        /* sizeof(hg_observation) */
  int32_t os_error;     /* errno, or WSAGetLastError() on Windows, of the call that failed; 0: none */
  uint32_t elapsed_ms;  /* from the request's beginning to now, rounded down; a request that began before consent is not recorded. How
                           long requests take is counted, coarsely, but for 0, which may also be unknown. */
  uint16_t status;      /* HTTP status; 0: none */
  uint16_t flags;       /* HG_FLAG_… */
  uint8_t trace_id[16]; /* W3C trace context; all 0: none */
  const char *url;      /* http, https, ws or wss; required. Its origin is counted, its path is kept in samples only, scrubbed. */
  /*
   * In the words of W3C Network Error Logging: "ok", "dns.name_not_resolved", "dns.timed_out", "tcp.refused", "tcp.reset",
   * "tcp.timed_out", "tls.cert.date_invalid", "http.error", "abandoned", … NULL: it follows from os_error, else from status
   * (400 and above is "http.error"), else it is "ok". The functions that resolve names and make TLS have errors of their own, which
   * only the caller can tell. What is no outcome counts as "unknown".
   */
  const char *outcome;
  const char *protocol; /* ALPN: "http/1.1", "h2"; NULL: unknown */
  const char *server;   /* address and port that was tried last, "192.0.2.1:443" or "[2001:db8::1]:443"; anything else: unknown */
  const char *method;   /* "GET"; for samples only */
  uint32_t head_ms;     /* since 0.2.0: of one that succeeded, from its beginning to the response's head, rounded up; 0: elapsed_ms */
  uint32_t unused;      /* 0 */
} hg_observation;

/* One call on a stack. It has no size of its own and never changes. */
typedef struct hg_frame {
  const char *function; /* its name in the program's code, "cart_load"; NULL: it has none */
  const char *file;     /* source file; only what follows the last slash is kept; NULL: unknown */
  uint32_t line;        /* 0: unknown */
  uint32_t unused;      /* 0 */
} hg_frame;

typedef struct hg_error {
  uint32_t size;          /* sizeof(hg_error) */
  int32_t kind;           /* HG_KIND_…; 0 means HG_KIND_ERROR */
  uint8_t trace_id[16];   /* W3C trace context; all 0: none */
  const char *type;       /* what kind of error it is in the program's code: "cart.unreadable", "std::bad_alloc"; required */
  const char *message;    /* scrubbed before it is kept: at most 1024 bytes of it */
  const hg_frame *frames; /* the stack, the innermost call first; at most 32 are kept; NULL: not told */
  size_t frame_count;     /* how many there are */
} hg_error;

typedef struct hg_stats {
  uint32_t size;           /* sizeof(hg_stats) */
  int32_t consent;         /* in force: the user's, lowered by the policy */
  uint64_t policy_version; /* in force */
  uint64_t observed;       /* requests counted since hg_open */
  uint64_t sealed;         /* records stored in the spool */
  uint64_t delivered;      /* segments that a collector has, by its signed receipt */
  uint64_t dropped;        /* records lost; the operator is told how many and why */
  uint64_t pending;        /* segments in the spool, those of other processes included */
  uint64_t pending_bytes;  /* bytes of these */
  uint64_t panics;         /* faults of the library's own, caught */
} hg_stats;

/*
 * Opens an agent. It neither connects nor waits. On failure *agent is 0 and error, unless it is NULL, says what is wrong with which
 * option, cut to error_size bytes with its NUL: 512 are enough for most. On success error is "".
 */
HG_API int32_t hg_open(const hg_options *options, hg_agent *agent, char *error, size_t error_size);

/*
 * Counts one request that has ended. It takes about a microsecond, or less than that without consent, and never waits for a disk or a
 * network. HG_OK does not mean that it was counted: without consent it is not.
 */
HG_API int32_t hg_observe(hg_agent agent, const hg_observation *observation);

/*
 * Records one error of the application itself, apart from requests. Errors of one kind, type and stack (the functions' names) make a group, which is
 * told once in a window, with their number; at most 32 groups fit into one. Without HG_CONSENT_DIAGNOSTICS a group has neither message
 * nor stack. Like hg_observe it does not wait: a program that is about to end calls hg_flush(agent, 0) afterwards, and then the
 * error is on disk.
 */
HG_API int32_t hg_capture_error(hg_agent agent, const hg_error *error);

/*
 * Says what the user allows from now on, and returns the level in force, which the policy may have lowered. Off deletes the spool
 * before it returns. A level that is none means off, and returns HG_ERR_ARGUMENT. When an earlier run's spool cannot be deleted, off stays in
 * force, because what is in there must not be sent.
 */
HG_API int32_t hg_set_consent(hg_agent agent, int32_t consent);

/*
 * Seals what was counted and tries once to deliver what is in the spool, for at most timeout_ms; 0 only seals. Returns how many segments
 * remain: 0 means that all is delivered.
 */
HG_API int32_t hg_flush(hg_agent agent, uint32_t timeout_ms);

/*
 * Does what hg_flush does and closes the agent for good: later calls with this handle return HG_ERR_HANDLE. What remains waits for the next
 * run. A process that ends without it loses what it has counted since the last window ended (a minute, unless the policy says otherwise).
 */
HG_API int32_t hg_shutdown(hg_agent agent, uint32_t timeout_ms);

/*
 * Writes what has left this device and to whom, in plain English, for the user: what collectors confirmed in the last 30 days, the oldest
 * first; "" when nothing was sent, or consent was withdrawn since. text is cut to size bytes with its NUL; NULL and 0 only ask.
 * Returns how many bytes the whole takes without NUL.
 */
HG_API int32_t hg_sent(hg_agent agent, char *text, size_t size);

/* Fills *stats, whose size the caller has set. */
HG_API int32_t hg_get_stats(hg_agent agent, hg_stats *stats);

/* What a result means, in English. Never NULL; not to be freed. */
HG_API const char *hg_error_text(int32_t result);

/* The library's version. Not to be freed. */
HG_API const char *hg_version(void);

#ifdef __cplusplus
}
#endif

#endif
