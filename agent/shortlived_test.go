package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// TestShortLivedProcesses: of a tool that a user runs thirty times, and that fails twice, the
// operator sees all runs if the policy says so, and without that hardly any but the failures.
func TestShortLivedProcesses(t *testing.T) {
	for name, all := range map[string]bool{"all are sent": true, "by chance": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				w.policy.SuccessPPM, w.policy.WindowMS, w.policy.ShortLived = 1, 60_000, all
				memory := newMemory()
				for run := range 30 {
					a, err := agent.New(w.options(memory.spool(), report.Counts))
					if err != nil {
						t.Fatal(err)
					}
					a.Observe(success("shop.example"))
					if run%15 == 0 {
						a.Observe(failure("shop.example"))
					}
					time.Sleep(time.Second)
					_ = a.Shutdown(t.Context())
				}
				ok, failed := shortRuns(w, t)
				if want := map[bool]uint64{true: 30, false: 2}[all]; ok != want || failed != 2 {
					t.Errorf("%d successes and %d failures, want %d and 2", ok, failed, want)
				}
			})
		})
	}
}

// shortRuns returns how many requests arrived, in windows that stand for themselves.
func shortRuns(w *world, t *testing.T) (ok, failed uint64) {
	for _, b := range w.batches() {
		for _, window := range b.windows {
			if window.SampledPPM != report.FullPPM {
				t.Errorf("a window of weight %d", report.FullPPM/window.SampledPPM)
			}
			for _, c := range window.Counters {
				if c.Outcome == report.OK {
					ok += c.Count
				} else {
					failed += c.Count
				}
			}
		}
	}
	return ok, failed
}

// TestLongLivedProcesses: only what ends a process's first window is told from other calm windows.
func TestLongLivedProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.SuccessPPM, w.policy.WindowMS, w.policy.ShortLived = 1, 60_000, true
		a := start(t, w.options(newMemory().spool(), report.Counts))
		for range 3 { // two windows that are due, and one that Shutdown ends
			a.Observe(success("shop.example"))
			time.Sleep(61 * time.Second)
		}
		a.Observe(success("shop.example"))
		_ = a.Shutdown(t.Context())
		if ok, _ := shortRuns(w, t); ok != 0 {
			t.Errorf("%d successes arrived, want none", ok)
		}
	})
}
