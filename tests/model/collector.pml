/*
 * An honest collector (collector/commit.go, receipts.go) gathers a round, makes it durable and
 * signs it. A crash, a power failure or an error ends the round at any step.
 */

#define GATHER  0
#define HALFWAY 1 /* the queue has it, the ledger not; with LEDGER_FIRST the other way round */
#define DURABLE 2
#define SIGNED  3 /* and not durable, with RECEIPT_BEFORE_SYNC */

#define JOINED (c == 1) /* its queue and its ledger have no transaction in common */

/* Whether the liar has seen a batch, and so can upload what it makes of it to others. */
#define SEEN(b) (ALL > C && HAS(sent[C], b) && !calm)

/* What the ledger knows of an item of the round, by its id and body. With LEDGER_OF_IDS it declines
 * another body under an id that is known. */
#define KNOWS(kind, b) HAS(ledger[c * N + b], kind)
#ifdef LEDGER_OF_IDS
#define NEW(b)      (round[b] != NOTHING && ledger[c * N + b] == 0)
#define DECLINED(b) (ledger[c * N + b] != 0 && !KNOWS(round[b], b))
#else
#define NEW(b)      (round[b] != NOTHING && !KNOWS(round[b], b))
#define DECLINED(b) false
#endif
#define NEWS        (NEW(0) + (N > 1 && NEW(N - 1))) /* how many are new */

/* Uploads of a batch that was receipted repeat as long as the weather is bad. */
#define UPLOADED(b) (HAS(sent[c], b) && !(calm && HAS(receipts[c], b)))

#define upload(b, kind, may) \
	atomic { step == GATHER && round[b] == NOTHING && dead != c && (may) -> round[b] = kind }

/* Notes what is new, for that is what both the queue and the ledger get. What is declined gets no
 * receipt. */
inline look_up() {
	b = 0;
	do
	:: b < N ->
		fresh = fresh | (NEW(b) << b);
		round[b] = (DECLINED(b) -> NOTHING : round[b]);
		b++
	:: else -> break
	od;
	b = 0
}

inline to_queue() {
	b = 0;
	do
	:: b < N ->
		if
		:: HAS(fresh, b) -> append(c, ITEM(b, round[b]))
		:: else
		fi;
		b++
	:: else -> break
	od;
	b = 0
}

inline to_ledger() {
	b = 0;
	do
	:: b < N -> ledger[c * N + b] = ledger[c * N + b] | (HAS(fresh, b) << round[b]); b++
	:: else -> break
	od;
	b = 0
}

/* Signs for what is new and for duplicates. */
inline sign() {
	b = 0;
	do
	:: b < N -> receipts[c] = receipts[c] | ((round[b] == WHOLE) << b); b++
	:: else -> break
	od;
	b = 0
}

inline end_round() {
	round[0] = NOTHING;
	round[N - 1] = NOTHING;
	fresh = 0;
	step = GATHER
}

/* Whether a batch is in the queue: its id is not forgotten before it was acknowledged. */
#define AT(p, b) (used[c] > p && BATCH(queue[c * L + p]) == b)
#define HELD(b)  (AT(0, b) || AT(1, b) || AT(2, b) || AT(3, b))

#define IDLE     (step == GATHER && round[0] == NOTHING && round[N - 1] == NOTHING)
#define COMMITS  (step == GATHER && !IDLE && used[c] + NEWS <= L && dead != c)

#define forget(b) \
	d_step { !calm && ledger[c * N + b] != 0 && !HELD(b) -> ledger[c * N + b] = 0 }

proctype collector(byte c) {
	byte round[N]; /* kinds */
	byte fresh;    /* set of batches whose ids are new to the ledger */
	byte step, b, i;
end:
	do
	:: upload(0, WHOLE, UPLOADED(0))
	:: upload(N - 1, WHOLE, UPLOADED(N - 1))
#ifdef LIAR
	:: upload(0, LIAR, SEEN(0))
	:: upload(N - 1, LIAR, SEEN(N - 1))
#endif

#ifdef RECEIPT_BEFORE_SYNC
	:: d_step { COMMITS && !JOINED -> sign(); step = SIGNED }
	:: d_step { step == SIGNED && dead != c ->
			look_up(); to_queue(); to_ledger(); end_round() }
#else
	:: d_step { COMMITS && !JOINED ->
			look_up(); to_queue(); to_ledger(); fresh = 0; step = DURABLE }
#endif
#ifdef LEDGER_FIRST
	:: d_step { COMMITS && JOINED -> look_up(); to_ledger(); step = HALFWAY }
	:: d_step { step == HALFWAY && dead != c -> to_queue(); fresh = 0; step = DURABLE }
#else
	:: d_step { COMMITS && JOINED -> look_up(); to_queue(); step = HALFWAY }
	:: d_step { step == HALFWAY && dead != c -> to_ledger(); fresh = 0; step = DURABLE }
#endif
	:: d_step { step == DURABLE && dead != c -> sign(); end_round(); check() }

	:: d_step { !calm && !IDLE -> end_round() } /* a crash */

	:: d_step { asked[c] > 0 && dead != c -> release(c); check() }
	:: forget(0)
	:: forget(N - 1)
	od
}
