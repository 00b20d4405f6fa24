package agent

import (
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// probes are results of a prober that are to be sealed. The recorder's lock owns them while they
// wait.
type probes struct {
	at     time.Time // that the results' times are relative to
	record *report.ProbeResults
}

// maxProbes is how many records of results may wait to be sealed; there are that many only while
// the disk hangs.
const maxProbes = 64

// addProbes has the results that consent covers sealed. Their times are relative to at.
func (r *recorder) addProbes(at time.Time, results *report.ProbeResults) {
	since := r.beginning()
	results = pick(results, func(i int) bool {
		return !at.Add(time.Duration(results.Results[i].At) * time.Millisecond).Before(since)
	})
	if len(results.Results) > 0 && r.admitProbes(probes{at, results}) {
		r.drop(report.DropQueueFull, 1)
	}
}

// beginning is when the consent in force was given; zero: before this agent.
func (r *recorder) beginning() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.terms.since
}

// admitProbes reports true when too many results wait already.
func (r *recorder) admitProbes(p probes) (full bool) {
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

// takeProbes returns the results that wait to be sealed, and forgets them.
func (r *recorder) takeProbes() []item {
	r.mu.Lock()
	defer r.mu.Unlock()
	items := make([]item, 0, len(r.probes))
	for _, p := range r.probes {
		items = append(items, item{p.at, p.record})
	}
	r.probes = nil
	return items
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
