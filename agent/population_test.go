package agent_test

import (
	"math"
	mathrand "math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// TestPopulationIsUnbiased: what is estimated of many clients, busy and quiet, healthy and ailing,
// is the truth within its confidence interval, also when some of what they saw was counted by pages
// that hand over few of their windows. The interval comes from what arrived alone, as it would for
// an operator.
func TestPopulationIsUnbiased(t *testing.T) {
	for _, test := range []struct {
		name         string
		policy, page float64 // the chance of a window without failure: the policy's, and the pages'
	}{
		{"agents only", 0.25, 0},
		{"pages hand over more than the policy wants", 0.25, 0.5},
		{"pages hand over less than the policy wants", 0.5, 0.25},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPopulation(t, test.policy, test.page)
				for i := range 80 {
					p.live(byte(i))
				}
				p.check(t)
			})
		})
	}
}

// population is many clients of one world, and what really happened to them.
type population struct {
	*world
	rng *mathrand.Rand
	// the chance with which pages hand over a window without failure; 0: there are no pages
	page  float64
	truth map[string]float64 // by host and outcome
}

func newPopulation(t *testing.T, policy, page float64) *population {
	p := &population{world: newWorld(t, "c1"), rng: mathrand.New(seeded(3)), page: page, truth: make(map[string]float64)}
	p.policy.SuccessPPM = uint32(policy * report.FullPPM)
	return p
}

// live is the life of one client. Few clients are busy and most are not; every fifth fails in a
// tenth of its requests, the others hardly ever.
func (p *population) live(i byte) {
	o := p.options(newMemory().spool(), report.Counts)
	o.Rand = seeded(i)
	a := start(p.t, o)
	host, busy, ailing := "quiet.example", 1+p.rng.IntN(4), 0.002
	if i%4 == 0 {
		host, busy = "busy.example", 30+p.rng.IntN(60)
	}
	if i%5 == 0 {
		ailing = 0.1
	}
	for range 25 {
		var ok, failed uint64
		for range p.rng.IntN(2*busy + 1) {
			if p.rng.Float64() < ailing {
				failed++
			} else {
				ok++
			}
		}
		p.truth[host+" ok"] += float64(ok)
		p.truth[host+" failed"] += float64(failed)
		if p.page > 0 && p.rng.IntN(3) > 0 {
			p.handOver(a, host, ok, failed)
		} else {
			p.observe(a, host, ok, failed)
		}
		time.Sleep(4 * time.Second)
	}
	_ = a.Shutdown(p.t.Context())
}

func (p *population) observe(a *agent.Agent, host string, ok, failed uint64) {
	for range ok {
		a.Observe(success(host))
	}
	for range failed {
		a.Observe(failure(host))
	}
}

// handOver does what a page does: a window without failure it hands over by chance; with a failure
// it does for certain, all in one, or the successes so far as a window and the failures one by one.
func (p *population) handOver(a *agent.Agent, host string, ok, failed uint64) {
	var list []agent.Observation
	if ok > 0 {
		list = append(list, many(ok, success(host)))
	}
	switch {
	case failed == 0 && p.rng.Float64() < p.page:
		a.AddWindow(page(uint32(p.page*report.FullPPM), list...))
	case failed == 0:
	case p.rng.IntN(2) == 0:
		a.AddWindow(page(0, append(list, many(failed, failure(host)))...))
	default:
		a.AddWindow(page(0, list...))
		p.observe(a, host, 0, failed)
	}
}

// check compares what arrived with what was true.
func (p *population) check(t *testing.T) {
	sum, variance := make(map[string]float64), make(map[string]float64)
	for _, b := range p.batches() {
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
	for name, want := range p.truth {
		sd := math.Sqrt(variance[name])
		if sd > 0.1*want {
			t.Errorf("%s: standard deviation %.0f of %.0f tests nothing", name, sd, want)
		}
		if got := sum[name]; math.Abs(got-want) > 4.5*sd {
			t.Errorf("%s: estimate %.0f of %.0f, off by more than 4.5 standard deviations of %.1f", name, got, want, sd)
		}
	}
	if len(p.truth) != 4 || variance["busy.example failed"] != 0 {
		t.Errorf("truth %v, variances %v: failures need no estimating", p.truth, variance)
	}
}
