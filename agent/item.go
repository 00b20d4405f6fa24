package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// item is a record on its way into a segment. Records tell times relative to their segment's birth,
// so the last step is left until the segment is known.
type item struct {
	at     time.Time // the window's end, the sample's time
	record report.Record
}

// appendTo appends the encoding of the record in a segment born at birth.
func (it item) appendTo(dst []byte, birth time.Time) ([]byte, error) {
	ms := min(max(sinceBirth(birth, it.at), -report.MaxAge), report.MaxAge)
	if r, ok := it.record.(*report.ProbeResults); ok {
		return report.AppendRecord(dst, shifted(r, ms))
	}
	switch r := it.record.(type) {
	case *report.Window:
		r.End = ms
	case *report.Sample:
		r.At = ms
	case *report.ApplicationError:
		r.At = ms
	}
	return report.AppendRecord(dst, it.record)
}

// sinceBirth is the time from birth to t in milliseconds. The monotonic clock does not tick while a
// machine sleeps, and the wall clock may be set back: whichever says more is nearer to the truth.
func sinceBirth(birth, t time.Time) int64 {
	return max(t.Sub(birth), t.Round(0).Sub(birth.Round(0))).Milliseconds()
}

// halves divides a window whose record would be too large into two of the same time, and likewise
// a prober's results. It reports false for what cannot be divided.
func (it item) halves() (a, b item, ok bool) {
	if r, isProbe := it.record.(*report.ProbeResults); isProbe {
		first, second, ok := probeHalves(r)
		return item{it.at, first}, item{it.at, second}, ok
	}
	w, isWindow := it.record.(*report.Window)
	if !isWindow || len(w.Counters) < 2 {
		return a, b, false
	}
	first, second := *w, *w
	n := len(w.Counters) / 2
	first.Counters, second.Counters = w.Counters[:n], w.Counters[n:]
	return item{it.at, &first}, item{it.at, &second}, true
}

// items is what a window that ended at end has to say, samples and application errors included,
// when it is sent with probability ppm.
func (w *window) items(end time.Time, ppm uint32) []item {
	var items []item
	if len(w.rows) > 0 {
		items = append(items, item{end, &report.Window{
			Length:     min(max(uint64(sinceBirth(w.start, end)), 1), report.MaxAge),
			SampledPPM: ppm,
			Counters:   w.counters(),
		}})
	}
	for i := range w.samples {
		if s := &w.samples[i]; s.record.Outcome != "" {
			items = append(items, item{s.at, &s.record})
		}
	}
	for _, g := range w.errors {
		at := g.at
		if w.level < report.Diagnostics {
			at = end // counts are of a window, not of a moment
		}
		items = append(items, item{at, &g.record})
	}
	return items
}
