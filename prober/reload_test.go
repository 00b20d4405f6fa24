package prober

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/report"
)

// state is what a map holds of a server.
func state(t *testing.T, p *Prober, name string) heatmap.State {
	t.Helper()
	i, ok := p.Map().Topology().ByName(name)
	if !ok {
		t.Fatalf("no server %s", name)
	}
	s, _ := p.Map().State(i)
	return s
}

func TestReloadedTargetsAreProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(3)
		all[1].becomes(report.TCPRefused)
		delivered := make(chan *report.ProbeResults, 100)
		o := Options{Targets: targets[:2], Interval: 10 * time.Second, DownAfter: 2, Vantage: "v",
			Deliver: func(_ time.Time, r *report.ProbeResults) { delivered <- r }}
		p, stop := run(t, o)
		defer stop()
		time.Sleep(time.Minute)
		synctest.Wait()
		if state(t, p, "s0") != heatmap.Up || state(t, p, "s1") != heatmap.Down {
			t.Fatalf("s0 %v, s1 %v", state(t, p, "s0"), state(t, p, "s1"))
		}
		before := len(all[0].probed(time.Now()))
		if err := p.Reload(Settings{Targets: targets[1:], Interval: o.Interval, DownAfter: 2}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := p.Map().Topology().Len(); got != 2 || state(t, p, "s1") != heatmap.Down || state(t, p, "s2") != heatmap.Unknown {
			t.Errorf("%d servers, s1 %v, s2 %v", got, state(t, p, "s1"), state(t, p, "s2"))
		}
		for len(delivered) > 0 {
			<-delivered
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if state(t, p, "s2") != heatmap.Up {
			t.Errorf("s2 %v", state(t, p, "s2"))
		}
		if after := len(all[0].probed(time.Now())); after != before {
			t.Errorf("s0 was probed %d times more", after-before)
		}
		if len(delivered) == 0 {
			t.Error("nothing was delivered")
		}
		for len(delivered) > 0 {
			r := <-delivered
			for _, target := range r.Targets {
				if target.Name == "s0" {
					t.Errorf("results of a target that is gone: %+v", r)
				}
			}
		}
	})
}

// A target that stays keeps its place in the interval, and the failures that it had in a row.
func TestReloadKeepsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(3)
		o := Options{Targets: targets, Interval: 10 * time.Second, DownAfter: 3}
		p, stop := run(t, o)
		defer stop()
		start := time.Now()
		time.Sleep(time.Second) // not while an attempt is under way: that one would be made again
		for range 11 {
			time.Sleep(5 * time.Second)
			if err := p.Reload(Settings{Targets: targets, Interval: o.Interval, DownAfter: 3}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for i, f := range all {
			times := f.probed(start)
			for n := 1; n < len(times); n++ {
				if gap := times[n] - times[n-1]; gap != o.Interval {
					t.Errorf("s%d was probed at %v", i, times)
				}
			}
			if len(times) < 5 {
				t.Errorf("s%d was probed at %v only", i, times)
			}
		}
	})
}

func TestReloadedWitnessesAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(3)
		all[0].becomes(report.TCPRefused)
		all[1].becomes(report.TCPRefused)
		o := Options{Targets: targets[:1], Witnesses: targets[1:2], Interval: 10 * time.Second, DownAfter: 1}
		p, stop := run(t, o)
		defer stop()
		time.Sleep(time.Minute)
		if got := state(t, p, "s0"); got != heatmap.Unknown {
			t.Fatalf("with a witness that does not answer: %v", got)
		}
		if err := p.Reload(Settings{Targets: targets[:1], Witnesses: targets[2:], Interval: o.Interval, DownAfter: 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := state(t, p, "s0"); got != heatmap.Down {
			t.Errorf("with one that does: %v", got)
		}
	})
}

func TestFaultyReloadKeepsTheTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, targets := fakes(2)
		p, stop := run(t, Options{Targets: targets[:1]})
		defer stop()
		for word, s := range map[string]Settings{
			"spec":     {Targets: []Target{{Name: "a"}}},
			"timeout":  {Targets: targets, Timeout: -1},
			"topology": {Targets: []Target{targets[0], targets[0]}},
			"witness":  {Targets: targets, Witnesses: []Target{{Name: "w"}}},
		} {
			if err := p.Reload(s); err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v", word, err)
			}
		}
		time.Sleep(time.Minute)
		if got := p.Map().Topology().Len(); got != 1 || state(t, p, "s0") != heatmap.Up {
			t.Errorf("%d servers, s0 %v", got, state(t, p, "s0"))
		}
	})
}

func TestTargetsOfTheCallersMapCannotChange(t *testing.T) {
	_, targets := fakes(1)
	topology, err := Topology(targets)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Targets: targets, Map: heatmap.NewMap(topology)})
	if err := errors.Join(err, p.Reload(Settings{Targets: targets})); err == nil || !strings.Contains(err.Error(), "map") {
		t.Error(err)
	}
}
