/* Linked behind Go's object, because only Go calls hg_linked; see signals.c. */
#include "after_go.h"
#include "signals.h"

#ifdef __linux__
__attribute__((constructor)) static void restore_last(void) { hg_restore_signals(); }
#endif

int hg_linked(void) { return 1; }
