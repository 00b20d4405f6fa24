/*
 * How batches get from an agent's spool into the detector's store, for SPIN (spinroot.com).
 * docs/protocol-model.md says what is modelled, what is not, and which faults it must find.
 *
 * The network is a set: what was sent stays in it, and may arrive at any time, in any order, many
 * times or never. A crash loses what a process remembers; what it was writing is there or not.
 */

#ifndef N
#define N 2 /* batches: 1 or 2 */
#endif
#ifndef L
#define L 3 /* batches that an inbox has room for; at least N */
#endif

#define C 2 /* collectors that may be honest */
#ifdef LIAR           /* what it plants: CUT or FORGED */
#define ALL (C + 1) /* the last one signs what it likes, and throws away */
#else
#define ALL C
#endif

/* What may be uploaded under the id of a batch. */
#define NOTHING 0
#define WHOLE   1 /* what the agent sealed: two frames */
#define CUT     2 /* the same without its last frame; whoever has seen it can cut it */
#define FORGED  3 /* sealed by another, who has seen the id */

#define ITEM(b, kind) ((b) * 4 + (kind))
#define BATCH(item)   ((item) / 4)
#define KIND(item)    ((item) % 4)
#define HAS(set, b)   (((set) >> (b)) & 1)
#define ADD(set, b)   set = set | (1 << (b))
#define DROP(set, b)  set = set & ~(1 << (b))

#ifdef LIVENESS
bool calm;    /* crashes, lies and planted copies are over */
byte dead = C; /* the collector that is gone for good; C: none */
#else
#define calm false
#define dead C
#endif

/* Sets of batches. */
byte spool;             /* at the agent, durably */
byte sent[C + 1];       /* uploads to each collector */
byte receipts[C + 1];   /* by each collector, for the whole batch: stored */

#include "inbox.pml"
#include "store.pml"
#include "check.pml"
#include "agent.pml"
#include "collector.pml"
#include "liar.pml"
#include "detector.pml"

#ifdef LIVENESS
/* Faults end; one collector may die before. */
active proctype weather() {
	if
#ifndef ONE
	:: dead = 0
	:: dead = 1
#endif
	:: skip
	fi;
	calm = true
}

#define DELIVERED(b) (taken[b] == 2 || HAS(receipts[C], b) || (dead < C && HAS(receipts[dead % C], b)))
#if N == 1
ltl delivered { <> DELIVERED(0) }
#else
ltl delivered { <> (DELIVERED(0) && DELIVERED(1)) }
#endif
#endif

init {
	atomic {
		spool = (1 << N) - 1;
		run agent();
#ifdef ONE /* which */
		run collector(ONE);
		run feed(ONE);
#else
		run collector(0);
		run feed(0);
		run collector(1);
		run feed(1);
#endif
#ifdef LIAR
		run liar()
#endif
	}
}
