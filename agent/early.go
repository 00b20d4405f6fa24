package agent

import (
	mathrand "math/rand/v2"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

// A window with a failure is worth its report at once: an outage is known as soon as the reports of
// it are. So the first failure after calm ends its window a few seconds later, spread so that the
// clients that see one outage do not all report in one second. What follows is told by windows of
// the usual length, or an outage would cost more bytes than its length is worth; but while nothing
// succeeds at all, the windows that follow end early too, each of them after twice the time of the
// one before. Every window is still sent or not by a coin of its own, whatever ended it, so
// estimates stay unbiased.

// earlyPause is how long after a window that ended early no other does, unless all in it failed.
const earlyPause = 10 * time.Minute

// early decides which windows end before their time. The recorder's lock owns it.
type early struct {
	after  time.Time     // none does before, but for stayed; zero: any may
	stayed bool          // nothing in the latest window succeeded
	wait   time.Duration // that the next takes at most; 0: the policy's
}

// begin gives w, in which the first request has just failed, an early end if it is to have one, and
// reports whether it has.
func (e *early) begin(w *window, p *policy.Policy, now time.Time, rng *mathrand.Rand) bool {
	if p.EarlyMS >= p.WindowMS || now.Before(e.after) && !e.stayed { // NeverEarly is more than any window
		return false
	}
	if e.wait == 0 {
		e.wait = time.Duration(p.EarlyMS) * time.Millisecond
	}
	at := now.Add(e.wait/4 + uniform(rng, e.wait*3/4))
	if !at.Before(w.start.Add(w.length)) {
		return false
	}
	w.early = at
	return true
}

// ended takes note of a window that has ended.
func (e *early) ended(w *window, now time.Time) {
	if !w.early.IsZero() {
		e.after = now.Add(earlyPause)
	}
	if e.stayed = w.allFailed(); e.stayed {
		e.wait = min(2*e.wait, w.length)
	} else {
		e.wait = 0
	}
}
