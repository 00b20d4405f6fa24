/* What signals.c has for heliograph.c and after_go.c. */
#ifdef __linux__
__attribute__((visibility("hidden"))) void hg_block_signals(void);
__attribute__((visibility("hidden"))) void hg_restore_signals(void);
#endif
