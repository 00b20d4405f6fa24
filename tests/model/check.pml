/* What must be true after every step. */

byte k, m, p; /* 0 between checks */

/* Asserts that no batch is lost. Part of a d_step. */
inline check() {
	k = 0;
	do
	:: k < N ->
		/* The agent has it until somebody has signed for it. */
		assert(HAS(spool | receipts[0] | receipts[1] | receipts[C], k));
		m = 0;
		do
		:: m < C ->
			/* What an honest collector has signed for is in the store, or will be read. */
			p = saved[m];
			do
			:: p < used[m] && queue[m * L + p] != ITEM(k, WHOLE) -> p++
			:: else -> break
			od;
			assert(!HAS(receipts[m], k) || taken[k] == 2 || p < used[m]);
			m++
		:: else -> break
		od;
		k++
	:: else -> break
	od;
	k = 0; m = 0; p = 0
}
