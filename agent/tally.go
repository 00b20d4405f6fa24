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

// tally is a Tally that is to be sealed. Agent.mu owns it while it waits.
type tally struct {
	*window
	end time.Time
	ppm uint32 // with which a window like it is sent
}

// maxTallies is how many may wait to be sealed; there are that many only while the disk hangs.
const maxTallies = 64

// AddWindow records a window that somebody else has counted, beside the agent's own. Unless
// something in it failed, it is sent with the policy's probability, as the agent's own are: when it
// was handed over with a higher one, a second draw makes up for the difference; it is not lowered
// when it was handed over with a lower one. Like Observe it neither waits nor panics, and does
// nothing without consent.
func (a *Agent) AddWindow(t Tally) {
	if !a.Recording() {
		return
	}
	defer a.caught()
	w := &window{start: t.Start, index: make(map[key]uint32, min(len(t.Observations), report.MaxCounters))}
	var n uint64
	for i := range t.Observations {
		o := &t.Observations[i]
		w.add(o.key(), o.count())
		n += o.count()
	}
	if n == 0 {
		return
	}
	now := time.Now()
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
	a.admitTally(tally{w, end, min(ppm, report.FullPPM)}, t.Start, n)
}

// admitTally draws whether t, which began at start with n requests in it, is sent, and has it
// sealed if so.
func (a *Agent) admitTally(t tally, start time.Time, n uint64) {
	a.mu.Lock()
	t.level = report.Consent(a.level.Load())
	if t.level == report.Off || start.Before(a.since) {
		a.mu.Unlock()
		return
	}
	a.stats.Observed += n
	a.stats.Windows++
	sent := true
	if p := a.policy.SuccessPPM; p < t.ppm && !t.failed {
		sent = a.rand.Uint32N(t.ppm) < p
		t.ppm = p
	}
	full := len(a.tallies) == maxTallies
	switch {
	case !sent:
		a.stats.SampledOut++
	case !full:
		a.tallies = append(a.tallies, t)
		signal(a.opened)
	}
	a.mu.Unlock()
	a.drop(report.DropOverflow, t.overflow)
	if sent && full {
		a.drop(report.DropQueueFull, 1)
	}
}

// endTallies seals what was handed over: tallies and a prober's results.
func (a *Agent) endTallies() {
	defer a.caught()
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	a.storeTallies()
}

// storeTallies does endTallies' work. The caller holds spoolMu.
func (a *Agent) storeTallies() {
	a.storeProbes()
	var items []item
	level := report.Diagnostics
	for _, t := range a.takeTallies(time.Now()) {
		items = append(items, t.items(t.end, t.ppm)...)
		level = min(level, t.level)
	}
	if len(items) > 0 {
		a.store(level, items)
		signal(a.kicked)
	}
}

func (a *Agent) takeTallies(now time.Time) []tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tallies) == 0 {
		return nil
	}
	a.relevel(now) // the policy may have expired meanwhile
	all := a.tallies
	a.tallies = nil
	return all
}
