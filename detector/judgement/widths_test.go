package judgement

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Whatever the width of bins and the grace, a service of which one request in twenty always fails
// is no incident when the detector starts from nothing, and one that fails for all is, if it fails
// for more than a few bins.
func TestWidthsAndGraces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ bin, grace time.Duration }{
		{time.Second, time.Second}, {time.Second, 5 * time.Minute}, {10 * time.Second, time.Nanosecond}, {10 * time.Second, 5 * time.Minute},
		{30 * time.Second, 10 * time.Second}, {time.Minute, time.Second}, {time.Minute, time.Minute}, {5 * time.Minute, 10 * time.Second},
	} {
		t.Run(fmt.Sprintf("%v and %v", c.bin, c.grace), func(t *testing.T) {
			t.Parallel()
			w := small(7)
			down := int64(0)
			w.fault = func(at int64, q *request) {
				if w.rng.IntN(20) == 0 || down > 0 && at > down {
					fails(q, report.TCPReset)
				}
			}
			j := newJudge(t, Options{Bin: c.bin, Grace: c.grace})
			calm := w.run(j, 80*time.Minute)
			if len(calm) > 0 {
				show(t, worldStart, calm)
				t.Fatal("calm was an incident")
			}
			if c.bin == 5*time.Minute {
				return
			}
			down = w.second * 1000
			events := w.run(j, 25*time.Minute)
			if !slices.ContainsFunc(events, func(e Event) bool { return e.Page && e.Verdict == model.ServiceDown && e.Scope[0].equal(&Scope{}) }) {
				show(t, down, events)
				t.Error("the failure of all was not told")
			}
		})
	}
}
