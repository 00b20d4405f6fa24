package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Tally is what somebody else has counted over a window of its own: a web page before it needed an
// agent, say.
type Tally struct {
	// of the window, at its first request at the latest. One that began before consent is
	// not recorded.
	Start time.Time
	End   time.Time // of the window; zero, or later than now: now

	// SampledPPM is the chance with which this window was handed over, in parts per million,
	// report.FullPPM at most; 0: report.FullPPM. Whoever hands windows over by chance draws for
	// each anew, and not for those with a failure: these count with weight 1 whatever
	// SampledPPM says.
	SampledPPM uint32

	// Observations is what was counted, see Observation.Count. What concerns samples, and Start, is
	// not looked at.
	Observations []Observation
}

// tally is a Tally that is to be sealed. The recorder's lock owns it while it waits.
type tally struct {
	*window
	end time.Time
	ppm uint32 // with which a window like it is sent
}

// maxTallies is how many may wait to be sealed; there are that many only while the disk hangs.
const maxTallies = 64

// addTally draws whether t is sent, and has it sealed if so.
func (r *recorder) addTally(t *Tally) {
	counted, n := t.counted(time.Now())
	if n == 0 {
		return
	}
	admitted, full := r.admitTally(counted, t.Start, n)
	if !admitted {
		return
	}
	r.drop(report.DropOverflow, counted.overflow)
	if full {
		r.drop(report.DropQueueFull, 1)
	}
}

// counted is t as a window, and how many requests are in it.
func (t *Tally) counted(now time.Time) (tally, uint64) {
	w := &window{start: t.Start, index: make(map[key]uint32, min(len(t.Observations), report.MaxCounters))}
	var n uint64
	for i := range t.Observations {
		o := &t.Observations[i]
		w.add(o.key(), o.count())
		n += o.count()
	}
	end := t.End
	if end.IsZero() || end.After(now) {
		end = now
	}
	if w.start.IsZero() || w.start.After(end) {
		w.start = end
	}
	ppm := t.SampledPPM
	if ppm == 0 || w.failed {
		ppm = report.FullPPM
	}
	return tally{w, end, min(ppm, report.FullPPM)}, n
}

// admitTally counts a tally that began at start with n requests in it. It reports false for one
// that consent does not cover, and full when it is to be sent but too many wait already.
func (r *recorder) admitTally(t tally, start time.Time, n uint64) (admitted, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.covers(start) {
		return false, false
	}
	t.level = r.terms.record
	r.total.Observed += n
	r.total.Windows++
	if p := r.terms.policy.SuccessPPM; p < t.ppm && !t.failed {
		if r.rand.Uint32N(t.ppm) >= p {
			r.total.SampledOut++
			return true, false
		}
		t.ppm = p
	}
	if len(r.tallies) == maxTallies {
		return true, true
	}
	r.tallies = append(r.tallies, t)
	signal(r.opened)
	return true, false
}

// takeTallies returns what waits to be sealed, and forgets it.
func (r *recorder) takeTallies() []tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.tallies
	r.tallies = nil
	return all
}
