package agent

import (
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// probes are results of a prober that are to be sealed. [Agent.mu] owns them while they wait.
type probes struct {
	at     time.Time // that the results' times are relative to
	record *report.ProbeResults
}

// maxProbes is how many records of results may wait to be sealed; there are that many only while
// the disk hangs.
const maxProbes = 64

// AddProbeResults records what the operator's own prober found, below a header of
// [report.SourceProber]. The results' At is relative to at instead of a segment's birth. The agent
// keeps r and its slices, which must not change afterwards, and divides it if it is too large for
// one record.
//
// Like Observe it neither waits nor panics. Without consent, [report.Counts] at least, it does
// nothing; results from before consent are left out. What breaks a rule of [report.ProbeResults] is
// dropped and counted.
func (a *Agent) AddProbeResults(at time.Time, r *report.ProbeResults) {
	if r == nil || !a.Recording() {
		return
	}
	defer a.caught()
	a.mu.Lock()
	since := a.since
	a.mu.Unlock()
	r = pick(r, func(i int) bool {
		return !at.Add(time.Duration(r.Results[i].At) * time.Millisecond).Before(since)
	})
	if len(r.Results) > 0 {
		a.admitProbes(probes{at, r})
	}
}

func (a *Agent) admitProbes(p probes) {
	a.mu.Lock()
	full := len(a.probes) == maxProbes
	if !full && a.level.Load() != uint32(report.Off) {
		a.probes = append(a.probes, p)
		signal(a.opened)
	}
	a.mu.Unlock()
	if full {
		a.drop(report.DropQueueFull, 1)
	}
}

// storeProbes seals the results that wait. The caller holds spoolMu.
func (a *Agent) storeProbes() {
	a.mu.Lock()
	a.relevel(time.Now()) // the policy may have expired meanwhile
	waiting := a.probes
	a.probes = nil
	a.mu.Unlock()
	if len(waiting) == 0 {
		return
	}
	items := make([]item, 0, len(waiting))
	for _, p := range waiting {
		items = append(items, item{p.at, p.record})
	}
	a.store(report.Counts, items)
	signal(a.kicked)
}

// sourceOf is the source that the header before items tells.
func sourceOf(items []item) report.Source {
	if _, ok := items[0].record.(*report.ProbeResults); ok {
		return report.SourceProber
	}
	return report.SourceAgent
}

// shifted is r with ms added to the times of its results.
func shifted(r *report.ProbeResults, ms int64) *report.ProbeResults {
	moved := *r
	moved.Results = append([]report.ProbeResult(nil), r.Results...)
	for i := range moved.Results {
		at := &moved.Results[i].At
		*at = min(max(*at+ms, -report.MaxAge), report.MaxAge)
	}
	return &moved
}

// pick is r with those results alone that keep says, and their targets.
func pick(r *report.ProbeResults, keep func(i int) bool) *report.ProbeResults {
	part := *r
	part.Targets, part.Results = nil, nil
	place := make([]int, len(r.Targets)) // of each target in part, plus 1; 0: not there
	for i := range r.Results {
		if t := r.Results[i].Target; keep(i) && t >= 0 && t < len(place) {
			place[t] = 1
			part.Results = append(part.Results, r.Results[i])
		}
	}
	for t := range place {
		if place[t] > 0 {
			part.Targets = append(part.Targets, r.Targets[t])
			place[t] = len(part.Targets)
		}
	}
	for i := range part.Results {
		part.Results[i].Target = place[part.Results[i].Target] - 1
	}
	return &part
}

// probeHalves divides results into two records of half as many each. It reports false for one.
func probeHalves(r *report.ProbeResults) (first, second *report.ProbeResults, ok bool) {
	n := len(r.Results) / 2
	if n == 0 {
		return nil, nil, false
	}
	first = pick(r, func(i int) bool { return i < n })
	second = pick(r, func(i int) bool { return i >= n })
	return first, second, true
}

// probeLine is what the log of what was sent says of r.
func probeLine(r *report.ProbeResults) string {
	return strconv.Itoa(len(r.Results)) + " probes of " + strconv.Itoa(len(r.Targets)) +
		" targets from vantage " + r.Vantage
}
