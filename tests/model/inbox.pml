/*
 * The durable part of a collector (collector/sqliteinbox; collector.Join): a queue, which starts
 * behind what was acknowledged, and a ledger. Positions are relative to the queue's start.
 */

byte queue[C * L];  /* items */
byte used[C];
byte ledger[C * N]; /* set of the kinds that were stored under an id */

/* Positions of the detector's, see detector.pml. */
byte asked[C]; /* the highest that one of its requests acknowledges */
byte saved[C]; /* the cursor in its store */
byte from[C];  /* the cursor in memory */
byte upto[C];  /* the end of the page in memory */

inline append(c, item) {
	queue[c * L + used[c]] = item;
	used[c]++
}

#define back(x) x = (x > 0 -> x - 1 : 0)

/* Frees the oldest batch of the queue. */
inline release(c) {
	i = 1;
	do
	:: i < used[c] -> queue[c * L + i - 1] = queue[c * L + i]; i++
	:: else -> break
	od;
	i = 0;
	used[c]--;
	queue[c * L + used[c]] = 0;
	back(asked[c]);
	back(saved[c]);
	back(from[c]);
	back(upto[c])
}
