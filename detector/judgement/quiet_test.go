package judgement

import (
	"slices"
	"testing"
	"time"
)

// Time without reports says nothing of the requests: all is as usual when they come again, be it
// after minutes or after a clock that was put forward by years.
func TestSilenceTeachesNothing(t *testing.T) {
	for k, gap := range []time.Duration{10 * time.Minute, 6 * time.Hour, 40 * 24 * time.Hour, 50 * 365 * 24 * time.Hour, 30 * 24 * time.Hour} {
		w := newWorld(3)
		w.diurnal = 0
		j := newJudge(t, Options{})
		w.run(j, 30*time.Minute)
		level := j.order[0].level.mean()
		rate := j.order[0].any.rate(j.order[0].any.all)
		bins := j.Stats().Bins
		w.second += int64(gap.Seconds())
		clear(w.pending)
		if k == 4 { // a report is the first to tell how late it is
			w.run(j, time.Second)
		}
		if events := j.Advance(w.second * 1000); len(events) != 0 {
			t.Errorf("%v: in silence: %+v", gap, events)
		}
		if n := j.Stats().Bins - bins; n > quietMost+2*quietLast {
			t.Errorf("%v: %d bins were judged one by one", gap, n)
		}
		after := w.run(j, 15*time.Minute)
		if slices.ContainsFunc(after, func(e Event) bool { return e.Page }) {
			t.Errorf("%v: after it: %+v", gap, after)
		}
		if got := j.order[0].level.mean(); got < 0.7*level || got > 1.3*level {
			t.Errorf("%v: %.0f requests a bin are usual, %.0f before", gap, got, level)
		}
		if got := j.order[0].any.rate(j.order[0].any.all); got < 0.8*rate || got > 1.25*rate {
			t.Errorf("%v: a failure rate of %.4f, %.4f before", gap, got, rate)
		}
	}
}
