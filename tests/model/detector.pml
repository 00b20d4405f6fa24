/*
 * The detector's intake of one feed (detector/intake.go, keeper.go): reads a page after its cursor,
 * appends it to one store, saves the cursor in the other, and acknowledges with the next request. A
 * crash at any step goes back to the cursor that is saved.
 */

#define READ     1
#define APPENDED 2
#define SAVED    3 /* and not appended, with CURSOR_BEFORE_APPEND */
#define WAITING  0

/* Stores the page in one transaction. */
inline append_page() {
	i = from[c];
	do
	:: i < upto[c] -> take(queue[c * L + i]); i++
	:: else -> break
	od;
	i = 0
}

inline end_page() {
	from[c] = upto[c];
	upto[c] = 0;
	step = WAITING
}

/* A repeated or delayed request acknowledges no more than the newest did. */
#define ask(position) asked[c] = (asked[c] > position -> asked[c] : position)

proctype feed(byte c) {
	byte step, i;
end:
	do
	:: atomic { step == WAITING && dead != c && (from[c] < used[c] || asked[c] < from[c]) ->
			ask(from[c]);
			if
			:: from[c] == used[c]
			:: from[c] < used[c] -> upto[c] = from[c] + 1; step = READ
			:: from[c] + 1 < used[c] -> upto[c] = used[c]; step = READ
			fi;
#ifdef ACK_BEFORE_APPEND
			ask(upto[c])
#endif
		}
#ifdef CURSOR_BEFORE_APPEND
	:: d_step { step == READ -> saved[c] = upto[c]; step = SAVED }
	:: d_step { step == SAVED -> append_page(); end_page(); check() }
#else
	:: d_step { step == READ -> append_page(); step = APPENDED }
	:: d_step { step == APPENDED -> saved[c] = upto[c]; end_page(); check() }
#endif
	:: d_step { !calm && step != WAITING -> from[c] = saved[c]; upto[c] = 0; step = WAITING; check() }
	od
}
