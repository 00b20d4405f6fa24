package report

import (
	"iter"
	"strconv"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// durationsHistograms is the one key of the map of durations.
const durationsHistograms = 1

// Groups returns the counters of w that have the same target and outcome, group by group. Each is a
// part of w.Counters.
func (w *Window) Groups() iter.Seq[[]Counter] {
	return func(yield func([]Counter) bool) {
		for rest := w.Counters; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].Target == rest[0].Target && rest[n].Outcome == rest[0].Outcome {
				n++
			}
			if !yield(rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

func (t *Durations) appendBody(dst []byte) []byte {
	f := newFields(dst)
	f.key(durationsHistograms)
	f.b = cbor.AppendArray(f.b, len(t.Histograms))
	for _, h := range t.Histograms {
		f.b = h.append(f.b)
	}
	return f.b
}

func decodeDurations(d *cbor.Decoder) *Durations {
	t := new(Durations)
	var key uint64
	for range d.Fields(1) {
		if key = d.Key(key); key != durationsHistograms {
			d.SkipField(key)
			continue
		}
		t.Histograms = make([]Histogram, d.Array(MaxCounters))
		for i := range t.Histograms {
			t.Histograms[i] = decodeHistogram(d)
		}
	}
	return t
}

func (t *Durations) validate() error {
	if fault := t.fault(); fault != "" {
		return malformed(kindName(kindDurations), fault)
	}
	return nil
}

// fault says what breaks t's rules, or "".
func (t *Durations) fault() string {
	switch {
	case t == nil:
		return "is nil"
	case len(t.Histograms) == 0:
		return "no histograms"
	case len(t.Histograms) > MaxCounters:
		return "more than MaxCounters histograms"
	case len(t.Histograms[len(t.Histograms)-1]) == 0:
		return "the last histogram is empty"
	}
	for i, h := range t.Histograms {
		if fault := h.fault(); fault != "" {
			return "histogram " + strconv.Itoa(i) + ": " + fault
		}
	}
	return ""
}
