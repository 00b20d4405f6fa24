/*
 * The agent (agent/courier.go, upload.go, judge.go): offers one batch after another to one
 * collector after another, and deletes what a receipt says is stored. A captive portal's 200, a
 * proxy's 403, a receipt for something else, silence and a crash of its own all come to the same:
 * it goes on, and the batch stays.
 */

#define ANSWERED HAS(receipts[c], b)

inline delete(b) {
	DROP(spool, b);
	check()
}

proctype agent() {
	byte b, c;
	do
	:: spool == 0 -> break
	:: else ->
		if
		:: d_step {
				HAS(spool, b) -> ADD(sent[c], b);
#ifdef DELETE_BEFORE_RECEIPT
				delete(b)
#endif
			}
			if
			:: d_step { ANSWERED -> delete(b) }
#ifdef LIAR
			:: d_step { c == C -> ADD(receipts[C], b); delete(b) }
#endif
			:: !ANSWERED || !calm
#ifdef BELIEVE_STATUS
			:: d_step { true -> delete(b) }
#endif
#ifdef ANY_RECEIPT
			:: d_step { receipts[c] != 0 -> delete(b) }
#endif
			fi
		:: !HAS(spool, b) || !calm /* this collector's time has not come */
		fi;
		d_step {
			c = (c + 1) % ALL;
			b = (c == 0 -> (b + 1) % N : b)
		}
	od
}
