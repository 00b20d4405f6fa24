package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// A version that fails from its first request on has no better past, and what it does is not
// learned as usual while it is new. Others fail in the same way now and then.
func TestReleasesThatAreBornFailing(t *testing.T) {
	w := newWorld(5)
	w.diurnal, w.rate = 0, 40
	w.versions = []float64{0.6, 0.25, 0.15, 0}
	j := newJudge(t, Options{})
	released := w.second*1000 + (10 * time.Minute).Milliseconds()
	w.fault = func(at int64, q *request) {
		if p := float64(at-released) / float64((2 * time.Hour).Milliseconds()); w.rng.Float64() < p {
			q.version = "1.5.0"
		}
		switch p := w.rng.Float64(); {
		case q.version == "1.5.0" && p < 0.3, p < 0.02*w.noiseOf(q.asn)*w.noiseOf(1):
			fails(q, report.HTTPError)
			q.status = 500
		}
	}
	w.run(j, 10*time.Minute)
	events := w.run(j, 50*time.Minute)
	for _, e := range events {
		if e.Page && e.Verdict == model.Release && e.Scope[0].equal(&Scope{Version: []string{"1.5.0"}}) {
			return
		}
	}
	t.Error("not found")
	show(t, released, events)
}
