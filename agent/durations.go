package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// maxDurations is how many groups of a window have their durations counted. Further ones are only
// counted as requests, so that many targets or outcomes do not take much memory.
const maxDurations = 256

// group is what durations are counted by, see [report.Window.Groups].
type group struct {
	target  string
	outcome report.Outcome
}

// durations is a [report.Histogram] that is being counted.
type durations [report.HistogramBuckets]uint32

// took counts how long n requests of a row took. If elapsed is not above 0, that is unknown.
func (w *window) took(r *row, elapsed time.Duration, n uint64) {
	if elapsed <= 0 {
		return
	}
	if r.durations == nil {
		if r.durations = w.durationsOf(&r.counter); r.durations == nil {
			return
		}
	}
	count := &r.durations[report.HistogramIndex(elapsed)]
	*count = uint32(min(uint64(*count)+n, report.MaxCount))
}

// histogram returns d as it is sent.
func (d *durations) histogram() report.Histogram {
	if d == nil {
		return nil
	}
	var h report.Histogram
	for i, n := range d {
		if n > 0 {
			h = append(h, report.HistogramBucket{Index: uint8(i), Count: uint64(n)})
		}
	}
	return h
}

// durationsOf returns the durations of c's group, or nil if w has too many groups.
func (w *window) durationsOf(c *report.Counter) *durations {
	g := group{c.Target, c.Outcome}
	d := w.durations[g]
	if d == nil && len(w.durations) < maxDurations {
		if w.durations == nil {
			w.durations = make(map[group]*durations)
		}
		d = new(durations)
		w.durations[g] = d
	}
	return d
}

// histograms returns the durations of a window's groups, or nil if none is known.
func (w *window) histograms(sent *report.Window) *report.Durations {
	var d report.Durations
	for counters := range sent.Groups() {
		d.Histograms = append(d.Histograms, w.durations[group{counters[0].Target, counters[0].Outcome}].histogram())
	}
	return trimmed(&d)
}

// split divides d between two windows of which the first has the first n counters of w. If that
// divides a group, its durations are lost.
func split(d *report.Durations, w *report.Window, n int) (a, b *report.Durations) {
	if d == nil {
		return nil, nil
	}
	var first, second report.Durations
	at, i := 0, 0
	for counters := range w.Groups() {
		var h report.Histogram
		if i < len(d.Histograms) {
			h = d.Histograms[i]
		}
		end := at + len(counters)
		switch {
		case end <= n:
			first.Histograms = append(first.Histograms, h)
		case at < n:
			first.Histograms, second.Histograms = append(first.Histograms, nil), append(second.Histograms, nil)
		default:
			second.Histograms = append(second.Histograms, h)
		}
		at, i = end, i+1
	}
	return trimmed(&first), trimmed(&second)
}

// trimmed leaves out the empty histograms at the end of d. It returns nil if there are no others.
func trimmed(d *report.Durations) *report.Durations {
	n := len(d.Histograms)
	for n > 0 && len(d.Histograms[n-1]) == 0 {
		n--
	}
	if d.Histograms = d.Histograms[:n]; n == 0 {
		return nil
	}
	return d
}
