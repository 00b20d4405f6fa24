package agent_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

func TestNetworkChangedMarksTheFailuresOfTheOpenWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.SamplesPerWindow = 10
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		before := failure("before.example")
		before.URL = "https://before.example/x"
		marked := before
		marked.Flags = report.FlagNetworkChanged
		after := failure("after.example")
		after.URL = "https://after.example/x"

		a.Observe(success("shop.example"))
		a.Observe(before)
		a.Observe(before)
		a.Observe(marked) // by somebody who knew
		retry := before
		retry.Flags = report.FlagRetry
		a.Observe(retry)
		a.NetworkChanged()
		a.NetworkChanged()
		a.Observe(before)
		a.Observe(after)
		time.Sleep(4 * time.Second)
		a.Observe(before) // of the next window
		time.Sleep(4 * time.Second)

		counts := make(map[string]map[report.Flags]uint64)
		samples := make(map[report.Flags]int)
		for _, b := range w.batches() {
			for _, win := range b.windows {
				for _, c := range win.Counters {
					if counts[c.Target] == nil {
						counts[c.Target] = make(map[report.Flags]uint64)
					}
					counts[c.Target][c.Flags] += c.Count
				}
			}
			for _, s := range b.samples {
				samples[s.Flags]++
			}
		}
		const both = report.FlagRetry | report.FlagNetworkChanged
		if c := counts["https://before.example"]; c[report.FlagNetworkChanged] != 3 || c[both] != 1 || c[0] != 2 || len(c) != 3 {
			t.Errorf("counters by flags %v, want 3 marked, 1 marked retry, 2 not marked", c)
		}
		if c := counts["https://after.example"]; c[0] != 1 || len(c) != 1 {
			t.Errorf("after the change: %v", c)
		}
		if c := counts["https://shop.example"]; c[0] != 1 || len(c) != 1 {
			t.Errorf("the success: %v", c)
		}
		if samples[report.FlagNetworkChanged] != 3 || samples[both] != 1 || samples[0] != 3 {
			t.Errorf("samples by flags %v", samples)
		}
	})
}

func TestNetworkChangedNeedsConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Off))
		a.NetworkChanged()
		time.Sleep(time.Minute)
		if n := len(w.seen()); n != 0 || a.Stats().Panics != 0 {
			t.Errorf("%d uploads, %d panics", n, a.Stats().Panics)
		}
	})
}

// TestNetworkChangesWhileCounting: nothing is lost nor counted twice.
func TestNetworkChangesWhileCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 200
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for range each {
					a.Observe(failure("shop.example"))
				}
			})
			group.Go(func() {
				for range each {
					a.NetworkChanged()
				}
			})
		}
		group.Wait()
		time.Sleep(4 * time.Second)
		var n uint64
		for _, b := range w.batches() {
			for _, win := range b.windows {
				for _, c := range win.Counters {
					n += c.Count
				}
			}
		}
		if n != 4*each {
			t.Errorf("%d failures, want %d", n, 4*each)
		}
	})
}
