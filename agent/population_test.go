package agent_test

import (
	"math"
	mathrand "math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// TestPopulationIsUnbiased: what is estimated of many clients, busy and quiet, healthy and ailing, is the truth within its confidence
// interval. The interval comes from what arrived alone, as it would for an operator.
func TestPopulationIsUnbiased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, windows, p = 80, 25, 0.25
		w := newWorld(t, "c1")
		w.policy.SuccessPPM = p * report.FullPPM
		rng := mathrand.New(seeded(3))
		truth := make(map[string]float64) // by host and outcome
		for i := range clients {
			o := w.options(newMemory().spool(), report.Counts)
			o.Rand = seeded(byte(i))
			a := start(t, o)
			// Few clients are busy and most are not; every fifth fails in a tenth of its requests, the others hardly ever.
			host, busy, ailing := "quiet.example", 1+rng.IntN(4), 0.002
			if i%4 == 0 {
				host, busy = "busy.example", 30+rng.IntN(60)
			}
			if i%5 == 0 {
				ailing = 0.1
			}
			for range windows {
				for range rng.IntN(2*busy + 1) {
					if rng.Float64() < ailing {
						a.Observe(failure(host))
						truth[host+" failed"]++
					} else {
						a.Observe(success(host))
						truth[host+" ok"]++
					}
				}
				time.Sleep(4 * time.Second)
			}
			_ = a.Shutdown(t.Context())
		}

		sum, variance := make(map[string]float64), make(map[string]float64)
		for _, b := range w.batches() {
			for _, win := range b.windows {
				q := float64(win.SampledPPM) / report.FullPPM
				for _, c := range win.Counters {
					name := c.Target[len("https://"):] + " failed"
					if c.Outcome == report.OK {
						name = c.Target[len("https://"):] + " ok"
					}
					n := float64(c.Count)
					sum[name] += n / q
					variance[name] += n * n * (1 - q) / (q * q) // Horvitz and Thompson
				}
			}
		}
		for name, want := range truth {
			sd := math.Sqrt(variance[name])
			if sd > 0.1*want {
				t.Errorf("%s: standard deviation %.0f of %.0f tests nothing", name, sd, want)
			}
			if got := sum[name]; math.Abs(got-want) > 4.5*sd {
				t.Errorf("%s: estimate %.0f of %.0f, off by more than 4.5 standard deviations of %.1f", name, got, want, sd)
			}
		}
		if len(truth) != 4 || variance["busy.example failed"] != 0 {
			t.Errorf("truth %v, variances %v: failures need no estimating", truth, variance)
		}
	})
}
