/*
 * An application that watches its own connections: it tries to reach a port on loopback, tells the agent how that went, and delivers the
 * counts. docs/c.md says how to build and run it.
 *
 *     example POLICY-FILE SPOOL-DIR PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include "heliograph.h"

static void check(const char *what, int32_t result) {
  if (result < 0) {
    fprintf(stderr, "%s: %s\n", what, hg_error_text(result));
    exit(1);
  }
}

/* Reads the signed policy, which an application would have built in. */
static size_t read_policy(const char *name, unsigned char *buffer, size_t size) {
  FILE *f = fopen(name, "rb");
  size_t n;
  if (f == NULL) {
    perror(name);
    exit(1);
  }
  n = fread(buffer, 1, size, f);
  fclose(f);
  return n;
}

/* Connects and hangs up; returns 0, or the number of the system's error: errno, or with Windows Sockets WSAGetLastError. */
static int try_to_connect(uint16_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  int error = 0;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
#ifdef _WIN32
  SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (const struct sockaddr *)&to, sizeof to) != 0) {
    error = WSAGetLastError();
  }
  closesocket(s);
#else
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
    error = errno;
  }
  close(fd);
#endif
  return error;
}

/* Microseconds since some moment, by a clock that nobody sets: a difference of whole milliseconds may be one too many, and what seems to begin
 * before the user has agreed is not counted. */
static uint64_t now(void) {
#ifdef _WIN32
  LARGE_INTEGER count, frequency;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&frequency);
  return (uint64_t)(count.QuadPart / frequency.QuadPart) * 1000000 + (uint64_t)(count.QuadPart % frequency.QuadPart) * 1000000 / (uint64_t)frequency.QuadPart;
#else
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
#endif
}

/* One request of the application, and what the agent is told of it. */
static void request(hg_agent agent, uint16_t port) {
  char url[64], server[32];
  uint64_t start;
  hg_observation o = {.size = sizeof o, .url = url, .server = server, .method = "GET"};
  snprintf(url, sizeof url, "http://127.0.0.1:%u/cart?user=42", port);
  snprintf(server, sizeof server, "127.0.0.1:%u", port);
  start = now();
  o.os_error = try_to_connect(port);
  o.elapsed_ms = (uint32_t)((now() - start) / 1000); /* rounded down */
  check("hg_observe", hg_observe(agent, &o));
}

/* Something else that went wrong in the application. A program that can tell its stack gives it, too. */
static void cart_load(hg_agent agent) {
  const hg_frame here = {.function = "cart_load", .file = __FILE__, .line = __LINE__};
  hg_error e = {.size = sizeof e, .type = "cart.unreadable", .message = "no cart for bob@shop.example", .frames = &here, .frame_count = 1};
  check("hg_capture_error", hg_capture_error(agent, &e));
}

int main(int argc, char **argv) {
  static unsigned char policy[64 << 10];
  char error[512];
  hg_agent agent;
  int32_t remain;
  if (argc != 4) {
    fprintf(stderr, "usage: %s POLICY-FILE SPOOL-DIR PORT\n", argv[0]);
    return 2;
  }
#ifdef _WIN32
  WSADATA sockets;
  if (WSAStartup(MAKEWORD(2, 2), &sockets) != 0) {
    return 1;
  }
#endif
  uint16_t port = (uint16_t)strtoul(argv[3], NULL, 10);
  hg_options options = {
      .size = sizeof options,
      .consent = HG_CONSENT_OFF, /* until the user says otherwise; an application keeps the answer in its settings */
      .app = "example",
      .version = "1.0.0",
      .policy = policy,
      .policy_size = read_policy(argv[1], policy, sizeof policy),
      .spool_dir = argv[2],
  };
  if (hg_open(&options, &agent, error, sizeof error) != HG_OK) {
    fprintf(stderr, "hg_open: %s\n", error);
    return 1;
  }
  request(agent, port); /* not recorded: nobody has agreed yet */

  check("hg_set_consent", hg_set_consent(agent, HG_CONSENT_DIAGNOSTICS)); /* the user opts in */
  for (int i = 0; i < 3; i++) {
    request(agent, port);
  }
  cart_load(agent);
  check("hg_flush", hg_flush(agent, 10000));

  static char sent[64 << 10]; /* what the application's settings page would show */
  check("hg_sent", hg_sent(agent, sent, sizeof sent));
  fputs(sent, stdout);

  hg_stats stats = {.size = sizeof stats};
  check("hg_get_stats", hg_get_stats(agent, &stats));
  remain = hg_shutdown(agent, 10000);
  check("hg_shutdown", remain);
  printf("heliograph %s: %llu requests observed, %d segments remain\n", hg_version(), (unsigned long long)stats.observed, (int)remain);
  return 0;
}
