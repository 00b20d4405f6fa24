/*
 * A forked child shares the parent's open files, and with them the locks on the segments that the parent was writing: as long as the
 * child lives they look as if somebody still wrote there, and are not delivered. So the child closes what it has inherited of spool
 * directories.
 */
#ifdef __linux__
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forked.h"

#define MAX_PATH 4096

/* Directories of spools, one after another, each with its NUL. Only added to, under the lock of hgo_open. */
static char *spools;
static size_t spools_size;

void hg_add_spool(const char *dir) {
  size_t n = strlen(dir) + 1;
  char *grown;
  for (size_t at = 0; at < spools_size; at += strlen(spools + at) + 1) {
    if (strcmp(spools + at, dir) == 0) {
      return;
    }
  }
  /* a copy, so that a fork at any moment finds the old ones or the new ones */
  if ((grown = malloc(spools_size + n)) == NULL) {
    return;
  }
  if (spools_size > 0) {
    memcpy(grown, spools, spools_size);
  }
  memcpy(grown + spools_size, dir, n);
  spools = grown;
  spools_size += n;
}

static int in_spool(const char *path) {
  for (size_t at = 0; at < spools_size; at += strlen(spools + at) + 1) {
    size_t n = strlen(spools + at);
    if (strncmp(path, spools + at, n) == 0 && (path[n] == '/' || path[n] == '\0')) {
      return 1;
    }
  }
  return 0;
}

struct entry { /* linux_dirent64 */
  uint64_t inode;
  int64_t next;
  uint16_t length;
  uint8_t type;
  char name[];
};

/* Only system calls: the child of a program with threads may do no more. */
void hg_close_spools(void) {
  _Alignas(struct entry) char list[4096];
  char path[MAX_PATH + 32];
  long n;
  int dir = spools_size > 0 ? open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (dir < 0) {
    return;
  }
  while ((n = syscall(SYS_getdents64, dir, list, sizeof list)) > 0) {
    for (long at = 0; at < n;) {
      const struct entry *e = (const struct entry *)(const void *)(list + at);
      ssize_t length = e->name[0] == '.' ? -1 : readlinkat(dir, e->name, path, sizeof path - 1);
      at += e->length;
      if (length <= 0) {
        continue;
      }
      path[length] = '\0';
      if (in_spool(path)) {
        int fd = 0;
        for (const char *c = e->name; *c >= '0' && *c <= '9'; c++) {
          fd = 10 * fd + (*c - '0');
        }
        (void)close(fd);
      }
    }
  }
  (void)close(dir);
}
#else
#include "forked.h"
void hg_add_spool(const char *dir) { (void)dir; }
void hg_close_spools(void) {}
#endif
