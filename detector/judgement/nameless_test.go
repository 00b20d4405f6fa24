package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Without a table of networks, which is how an installation begins, all clients are in one network
// that nobody knows. Address prefixes then say that a fault is not one client's, calm alerts
// nobody, and busy hours are not taken for an invention.
func TestWithoutNetworks(t *testing.T) {
	for _, s := range scenarios {
		if s.name != "everyone" && s.name != "a server dead" {
			continue
		}
		for _, rate := range []float64{5, 100} {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(1)
				for i := range w.networks {
					w.networks[i].asn, w.networks[i].country = 0, model.UnknownCountry
				}
				w.rate = rate
				j := newJudge(t, Options{})
				before := w.run(j, 40*time.Minute)
				start := w.second * 1000
				w.fault = s.fault(w, start)
				events := w.run(j, 4*time.Minute)
				t.Cleanup(func() {
					if t.Failed() {
						show(t, start, before)
						show(t, start, events)
					}
				})
				if len(before) > 0 || len(events) == 0 {
					t.Fatalf("%d events of calm, %d of the fault", len(before), len(events))
				}
				if first, want := events[0], s.scope(w); !first.Page || first.Verdict != s.verdict || !first.Scope[0].equal(&want) {
					t.Errorf("%v, page %v, %+v; want %v %+v", first.Verdict, first.Page, first.Scope[0], s.verdict, want)
				}
				if level := j.order[0].level.mean(); level < 3*rate { // of a bin of 10 s
					t.Errorf("%.0f requests a bin are believed, of %.0f a second", level, rate)
				}
			})
		}
	}
}
