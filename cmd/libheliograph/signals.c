/*
 * Threads of the Go runtime take no signals that are the host's. They begin in a constructor of the Go linker's, with the signal mask
 * of the thread that loads the library, and every later one inherits it. So a constructor that runs before blocks all signals, but
 * for those that the runtime itself needs, and one that runs after puts the mask back.
 *
 * In a shared library constructors with a priority run before the linker's, which has none, and this file's others after, because Go's
 * object comes first. In a program that is linked statically a priority would also be before the host's own constructors, which must
 * not run with signals blocked; there the file that has hg_open is linked before Go's object, and after_go.c, which only Go calls, behind.
 */
#ifdef __linux__
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>

#include "signals.h"

/* The ELF header of the program or library that this is linked into. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static sigset_t before;
static int blocked, over;

static int in_program(void) { return (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff == (uintptr_t)getauxval(AT_PHDR); }

static void block(void) {
  /* faults, and what the runtime stops its threads with; it unblocks SIGCHLD and SIGPROF by itself */
  static const int kept[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGURG};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    sigdelset(&all, kept[i]);
  }
  /* over: linked in an order that nobody expects; then nothing is blocked, rather than for ever */
  if (!blocked && !over && pthread_sigmask(SIG_BLOCK, &all, &before) == 0) {
    blocked = 1;
  }
}

void hg_block_signals(void) {
  if (in_program()) {
    block();
  }
}

void hg_restore_signals(void) {
  over = 1;
  if (blocked) {
    blocked = 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
}

__attribute__((constructor(101))) static void block_first(void) {
  if (!in_program()) {
    block();
  }
}
#else
typedef int hg_no_signals;
#endif
