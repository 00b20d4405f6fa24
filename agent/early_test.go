package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// lengths are how long the windows lasted that an agent sent, in the order of their ends.
func (w *world) lengths() (all []time.Duration) {
	w.t.Helper()
	for _, u := range w.seen() {
		for _, win := range w.openSegment(u.id, u.segment).windows {
			all = append(all, time.Duration(win.Length)*time.Millisecond)
		}
	}
	return all
}

// observe has requests observed, one a second, for as long as d.
func observe(a *agent.Agent, d time.Duration, next func() agent.Observation) {
	for range d / time.Second {
		a.Observe(next())
		time.Sleep(time.Second)
	}
}

func always(o agent.Observation) func() agent.Observation {
	return func() agent.Observation { return o }
}

// byTurns has every second request fail.
func byTurns() func() agent.Observation {
	n := 0
	return func() agent.Observation {
		if n++; n%2 == 0 {
			return failure("shop.example")
		}
		return success("shop.example")
	}
}

func earlyWorld(t *testing.T, seed byte) (*world, *agent.Agent) {
	w := newWorld(t, "c1")
	w.policy.WindowMS, w.policy.SuccessPPM = 60_000, report.FullPPM
	o := w.options(newMemory().spool(), report.Counts)
	o.Rand = seeded(seed)
	return w, start(t, o)
}

// TestFirstFailureIsToldEarly: 2 to 8 seconds after it, and 1 more for the delivery.
func TestFirstFailureIsToldEarly(t *testing.T) {
	for seed := range byte(20) {
		synctest.Test(t, func(t *testing.T) {
			w, a := earlyWorld(t, seed)
			observe(a, 20*time.Second, always(success("shop.example")))
			failed := time.Now()
			observe(a, 10*time.Second, byTurns())
			uploads := w.seen()
			if len(uploads) != 1 {
				t.Fatalf("%d uploads within 10 s, want 1", len(uploads))
			}
			if took := uploads[0].at.Sub(failed); took < 2*time.Second || took > 10*time.Second {
				t.Errorf("told after %v", took)
			}
			if got := w.totals(); got[report.OK] < 20 || got[report.TCPRefused] < 1 {
				t.Errorf("told %v, want what the window had counted until then", got)
			}
		})
	}
}

// TestAfterAnEarlyWindow others are as long as ever for ten minutes, if something succeeded.
func TestAfterAnEarlyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a := earlyWorld(t, 1)
		observe(a, 12*time.Minute, byTurns())
		all, early := w.lengths(), 0
		for i, d := range all {
			switch {
			case d >= time.Minute:
			case d < 2*time.Second || d > 10*time.Second:
				t.Errorf("a window of %v", d)
			default:
				early++
				if i != 0 && i < 11 {
					t.Errorf("window %d ended early", i)
				}
			}
		}
		if early != 2 || len(all) < 12 {
			t.Errorf("%d early windows of %d, want two, ten minutes apart: %v", early, len(all), all)
		}
	})
}

// TestWhileNothingSucceeds windows go on to end early, each after twice the time of the one before,
// so that an outage is watched and costs no more than a few windows.
func TestWhileNothingSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a := earlyWorld(t, 1)
		observe(a, 5*time.Minute, always(failure("shop.example")))
		all := w.lengths()
		if len(all) < 6 || len(all) > 10 {
			t.Fatalf("windows of %v", all)
		}
		for i, most := range []time.Duration{8, 16, 32, 60} {
			if d := all[i]; d < most*time.Second/4 || d > most*time.Second+time.Second {
				t.Errorf("window %d lasted %v, want %v at most", i, d, most*time.Second)
			}
		}
		before := len(all)
		observe(a, 2*time.Minute, always(success("shop.example")))
		observe(a, 4*time.Minute, byTurns())
		for _, d := range w.lengths()[before+1:] { // the first had begun in the outage
			if d < time.Minute {
				t.Errorf("a window of %v after the outage, within ten minutes", d)
			}
		}
	})
}

// TestNeverEarly: the policy can turn it off, and windows that are short anyway stay what they are.
func TestNeverEarly(t *testing.T) {
	for name, change := range map[string]func(*policy.Policy){
		"off":           func(p *policy.Policy) { p.EarlyMS = policy.NeverEarly },
		"short windows": func(p *policy.Policy) { p.WindowMS = 2000 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				w.policy.WindowMS = 60_000
				change(&w.policy)
				a := start(t, w.options(newMemory().spool(), report.Counts))
				observe(a, 3*time.Minute, always(failure("shop.example")))
				for _, d := range w.lengths() {
					if d != time.Duration(w.policy.WindowMS)*time.Millisecond {
						t.Errorf("a window of %v", d)
					}
				}
			})
		})
	}
}

// TestEarlyWindowsAreUnbiased: many clients, most of them healthy, whose windows end when something
// fails in them. What is estimated is the truth.
func TestEarlyWindowsAreUnbiased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPopulation(t, 0.25, 0)
		p.policy.WindowMS, p.policy.EarlyMS = 20_000, 4000
		for i := range byte(60) {
			p.visit(i)
		}
		p.check(t)
		short := 0
		for _, d := range p.lengths() {
			if d < 20*time.Second {
				short++
			}
		}
		if short < 200 {
			t.Errorf("%d windows ended early: that tests nothing", short)
		}
	})
}

// visit is a client's half hour with a request every second, or every ten. Failures come in
// stretches, so that some windows have nothing else.
func (p *population) visit(i byte) {
	o := p.options(newMemory().spool(), report.Counts)
	o.Rand = seeded(i)
	a := start(p.t, o)
	host, every := "busy.example", time.Second
	if i%2 == 0 {
		host, every = "quiet.example", 10*time.Second
	}
	down := false
	for range 30 * time.Minute / every {
		switch r := p.rng.Float64(); {
		case down:
			down = r > 0.1
		default:
			down = r < 0.005
		}
		if down {
			p.truth[host+" failed"]++
			a.Observe(failure(host))
		} else {
			p.truth[host+" ok"]++
			a.Observe(success(host))
		}
		time.Sleep(every)
	}
	_ = a.Shutdown(p.t.Context())
}
