/*
 * A collector that lies. It signs for what it was offered and throws it away (agent.pml), it plants
 * what it makes of it in others (collector.pml), and its feed says whatever it likes.
 */

#define say(b, kind, may) \
	d_step { !calm && HAS(sent[C], b) && (may) -> take(ITEM(b, kind)); check() }

#ifdef LIAR
proctype liar() {
end:
	do
	:: say(0, WHOLE, taken[0] < 2)
	:: say(N - 1, WHOLE, taken[N - 1] < 2)
	:: say(0, CUT, LIAR == CUT && taken[0] == 0)
	:: say(N - 1, CUT, LIAR == CUT && taken[N - 1] == 0)
	:: say(0, FORGED, LIAR == FORGED && !HAS(forged, 0))
	:: say(N - 1, FORGED, LIAR == FORGED && !HAS(forged, N - 1))
	od
}
#endif
