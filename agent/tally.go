package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Tally is a window that another program has counted, such as a web page before it loads the agent.
// See [Agent.AddWindow].
type Tally struct {
	// start of the window, no later than its first request. A window that began before consent is
	// not recorded
	Start time.Time
	End   time.Time // end of the window; zero or later than now: now

	// SampledPPM is the probability with which this window was handed over, in parts per million,
	// at most report.FullPPM; 0: report.FullPPM. A caller that hands over only some of its windows
	// must decide for each one independently, and must hand over every window with a failure. Those
	// have weight 1 whatever SampledPPM is.
	SampledPPM uint32

	// Observations are the counts, see Observation.Count. Several may differ in nothing but
	// Elapsed. Their Start and the fields for samples are ignored.
	Observations []Observation
}

// tally is a [Tally] that waits to be sealed. The recorder's lock guards it meanwhile.
type tally struct {
	*window
	end time.Time
	ppm uint32 // the probability with which such windows are sent
}

// maxTallies is how many tallies may wait to be sealed. So many wait only while the disk hangs.
const maxTallies = 64

// addTally decides by chance whether t is sent, and hands it over if so.
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

// counted returns t as a window and the number of its requests.
func (t *Tally) counted(now time.Time) (tally, uint64) {
	w := &window{start: t.Start, index: make(map[key]uint32, min(len(t.Observations), report.MaxCounters))}
	var n uint64
	for i := range t.Observations {
		o := &t.Observations[i]
		w.count(o, o.count())
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

// admitTally counts a tally with n requests that began at start. admitted is false if consent does
// not cover it. full is true if it is to be sent but too many wait already.
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

// takeTallies removes and returns the tallies that wait to be sealed.
func (r *recorder) takeTallies() []tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.tallies
	r.tallies = nil
	return all
}
