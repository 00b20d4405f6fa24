/*
 * The detector's store of events (detector.Events): how much of each segment was taken. Segments
 * are known by the ids of their batches and by who sealed them.
 */

byte taken[N]; /* frames of what the agent sealed */
byte forged;   /* set of batches under whose id a forged segment was taken */

/* Counts the frames of what the agent sealed, but for those that were counted before. */
inline count(b, frames) {
#ifdef NO_IDS
	assert(taken[b] == 0); /* else it is counted twice */
#endif
	taken[b] = (taken[b] > frames -> taken[b] : frames)
}

#ifdef IDS_ALONE
#define KNOWN(b) (taken[b] > 0 || HAS(forged, b)) /* whatever came first */
#else
#define KNOWN(b) false
#endif

inline take(item) {
	if
	:: KNOWN(BATCH(item))
	:: !KNOWN(BATCH(item)) && KIND(item) == WHOLE -> count(BATCH(item), 2)
	:: !KNOWN(BATCH(item)) && KIND(item) == CUT -> count(BATCH(item), 1)
	:: !KNOWN(BATCH(item)) && KIND(item) == FORGED -> ADD(forged, BATCH(item))
	fi
}
