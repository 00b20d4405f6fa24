/* What forked.c has for heliograph.c and agents.go. */
#ifdef _WIN32
void hg_add_spool(const char *dir);
void hg_close_spools(void);
#else
/* Notes a spool's directory, an absolute path without links. One call at a time. */
__attribute__((visibility("hidden"))) void hg_add_spool(const char *dir);
/* Closes what a child has inherited of these directories. */
__attribute__((visibility("hidden"))) void hg_close_spools(void);
#endif
