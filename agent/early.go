package agent

import (
	mathrand "math/rand/v2"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

// The sooner a window with a failure is reported, the sooner an outage is known. So the first
// failure after a calm time ends its window a few seconds later, at a random moment, so that the
// clients in one outage do not all report in the same second. The following windows have the usual
// length, because an outage should not cost many bytes. But while nothing succeeds at all, the
// following windows end early too, each after twice the time of the one before. Whether a window is
// sent is still decided independently of what ended it, so estimates stay unbiased.

// earlyPause is how long after an early window no other one ends early, unless everything in
// it failed.
const earlyPause = 10 * time.Minute

// early decides which windows end early. The recorder's lock guards it.
type early struct {
	after  time.Time     // none does before, but for stayed; zero: any may
	stayed bool          // nothing in the latest window succeeded
	wait   time.Duration // that the next takes at most; 0: the policy's
}

// begin decides whether w, in which the first request has just failed, ends early. If so, it sets
// the end and returns true.
func (e *early) begin(w *window, p *policy.Policy, now time.Time, rng *mathrand.Rand) bool {
	// NeverEarly is longer than any window
	if p.EarlyMS >= p.WindowMS || now.Before(e.after) && !e.stayed {
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

// ended records that a window has ended.
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
