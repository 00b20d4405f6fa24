package agent

import (
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// probing handles a prober's results on their way into a segment. It is an interface so that the
// linker can drop the code from a web page's agent, which has no prober.
type probing interface {
	// shifted returns the record with ms added to the times of its results.
	shifted(ms int64) report.Record
	// halves divides the results into two items with half of them each. It returns false if there
	// is only one.
	halves(at time.Time) (first, second item, ok bool)
	// line describes the results for the log of what was sent.
	line() string
}

// probeResults implements probing.
type probeResults struct{ *report.ProbeResults }

// probeItem returns an item with results whose times are relative to at.
func probeItem(at time.Time, r *report.ProbeResults) item {
	return item{at: at, record: r, probes: probeResults{r}}
}

// maxProbes is how many records of results may wait to be sealed. So many wait only while the
// disk hangs.
const maxProbes = 64

// addProbes hands over the results that consent covers. Their times are relative to at.
func (r *recorder) addProbes(at time.Time, results *report.ProbeResults) {
	since := r.beginning()
	results = pick(results, func(i int) bool {
		return !at.Add(time.Duration(results.Results[i].At) * time.Millisecond).Before(since)
	})
	if len(results.Results) > 0 && r.admitProbes(probeItem(at, results)) {
		r.drop(report.DropQueueFull, 1)
	}
}

// beginning returns when the consent in force was given, or the zero time if before this agent.
func (r *recorder) beginning() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.terms.since
}

// admitProbes adds results to those that wait. It returns true if too many wait already.
func (r *recorder) admitProbes(p item) (full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.terms.record == report.Off {
		return false
	}
	if len(r.probes) == maxProbes {
		return true
	}
	r.probes = append(r.probes, p)
	signal(r.opened)
	return false
}

// takeProbes removes and returns the results that wait to be sealed.
func (r *recorder) takeProbes() []item {
	r.mu.Lock()
	defer r.mu.Unlock()
	items := r.probes
	r.probes = nil
	return items
}

// sourceOf returns the source for the header before items.
func sourceOf(items []item) report.Source {
	if items[0].probes != nil {
		return report.SourceProber
	}
	return report.SourceAgent
}

func (r probeResults) shifted(ms int64) report.Record {
	moved := *r.ProbeResults
	moved.Results = append([]report.ProbeResult(nil), r.Results...)
	for i := range moved.Results {
		at := &moved.Results[i].At
		*at = min(max(*at+ms, -report.MaxAge), report.MaxAge)
	}
	return &moved
}

// pick returns the results of r for which keep returns true, with their targets.
func pick(r *report.ProbeResults, keep func(i int) bool) *report.ProbeResults {
	part := *r
	part.Targets, part.Results = nil, nil
	place := make([]int, len(r.Targets)) // index of each target in part, plus 1; 0: none
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

func (r probeResults) halves(at time.Time) (first, second item, ok bool) {
	n := len(r.Results) / 2
	if n == 0 {
		return item{}, item{}, false
	}
	first = probeItem(at, pick(r.ProbeResults, func(i int) bool { return i < n }))
	second = probeItem(at, pick(r.ProbeResults, func(i int) bool { return i >= n }))
	return first, second, true
}

func (r probeResults) line() string {
	return strconv.Itoa(len(r.Results)) + " probes of " + strconv.Itoa(len(r.Targets)) +
		" targets from vantage " + r.Vantage
}
