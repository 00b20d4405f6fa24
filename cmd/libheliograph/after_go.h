/* Keeps after_go.c in programs that are linked statically. */
#ifdef _WIN32
int hg_linked(void);
#else
__attribute__((visibility("hidden"))) int hg_linked(void);
#endif
