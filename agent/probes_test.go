package agent_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// sweep is one result at each of n targets, the first of them ms after some moment.
func sweep(n int, ms int64) *report.ProbeResults {
	r := &report.ProbeResults{Vantage: "fra", ASN: 64501, Version: "1.2"}
	for i := range n {
		name := fmt.Sprintf("web-%04d", i)
		r.Targets = append(r.Targets, report.ProbeTarget{Name: name, Address: name + ":443", Kind: "tcp"})
		r.Results = append(r.Results, report.ProbeResult{
			Target: i, At: ms + int64(i), Judgement: report.JudgedUp, Outcome: report.OK, Family: 4,
			Server: "192.0.2.1:443", Steps: []report.ProbeStep{{Name: "connect", Micros: 1200}},
		})
	}
	return r
}

// attempts are the names of the targets of all results that were received, sorted.
func (w *world) attempts() (names []string) {
	for _, b := range w.batches() {
		for _, p := range b.probes {
			for i := range p.Results {
				names = append(names, p.Targets[p.Results[i].Target].Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestProbeResultsAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		time.Sleep(time.Minute)
		given := sweep(2, -5000)
		a.AddProbeResults(time.Now(), given)
		time.Sleep(2 * time.Second)
		b := w.batches()[0]
		if len(b.headers) != 1 || b.headers[0].Source != report.SourceProber || len(b.probes) != 1 {
			t.Fatalf("headers %+v, probes %+v", b.headers, b.probes)
		}
		p := b.probes[0]
		if p.Vantage != "fra" || p.ASN != 64501 || p.Results[0].At != -5000 || p.Results[1].At != -4999 {
			t.Errorf("%+v", p)
		}
		sent, err := a.Sent()
		if err != nil || len(sent) != 1 || !strings.Contains(sent[0].String(), "2 probes of 2 targets from vantage fra") {
			t.Errorf("the log of what was sent: %v, %v", sent, err)
		}
	})
}

// A prober whose collectors cannot be reached delivers when they can be again, and what it found
// keeps its time.
func TestProbeResultsWaitForCollectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.setHandler("c1", refuse)
		w.setHandler("c2", refuse)
		a := start(t, w.options(newMemory().spool(), report.Counts))
		began := time.Now()
		for range 40 {
			a.AddProbeResults(time.Now(), sweep(1, 0))
			time.Sleep(15 * time.Second)
		}
		w.setHandler("c2", nil)
		time.Sleep(10 * time.Minute)
		if got := w.attempts(); len(got) != 40 {
			t.Fatalf("%d results arrived, want 40", len(got))
		}
		age := func(u upload) time.Time { return u.at.Add(-time.Duration(u.delivery.Age) * time.Millisecond) }
		last := w.seen()[len(w.seen())-1]
		p := w.openSegment(last.id, last.segment).probes
		first := age(last).Add(time.Duration(p[0].Results[0].At) * time.Millisecond)
		if d := first.Sub(began); d < -time.Second || d > time.Second {
			t.Errorf("the first result is told as %v after it was had", d)
		}
	})
}

func TestProbeResultsAreDividedWhenTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		const n = 3 * report.MaxProbeTargets
		a.AddProbeResults(time.Now(), sweep(n, 0))
		time.Sleep(5 * time.Second)
		got := w.attempts()
		if len(got) != n || len(slices.Compact(got)) != n {
			t.Errorf("%d results arrived, want one of each of %d targets", len(got), n)
		}
		if d := a.Stats().Dropped; len(d) > 0 {
			t.Errorf("dropped %v", d)
		}
	})
}

func TestProbeResultsNeedConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		spool := newMemory()
		a := start(t, w.options(spool.spool(), report.Off))
		a.AddProbeResults(time.Now(), sweep(1, 0))
		time.Sleep(time.Minute)
		if n := a.Stats().Sealed; n != 0 || len(w.seen()) != 0 {
			t.Fatalf("%d records and %d uploads without consent", n, len(w.seen()))
		}
		a.SetConsent(report.Counts)
		a.AddProbeResults(time.Now(), sweep(3, -2)) // the first two ended before consent
		time.Sleep(time.Minute)
		if got := w.attempts(); len(got) != 1 || got[0] != "web-0002" {
			t.Errorf("%v arrived, want the one result from after consent", got)
		}
	})
}

// A segment may hold what an application counted and what a prober found, each below its header.
func TestProbeResultsBesideAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.AddProbeResults(time.Now(), sweep(1, 0))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		a.AddProbeResults(time.Now(), sweep(1, 0))
		time.Sleep(time.Second)
		w.setHandler("c1", nil)
		time.Sleep(10 * time.Minute)
		var sources []report.Source
		for _, b := range w.batches() {
			for _, h := range b.headers {
				sources = append(sources, h.Source)
			}
		}
		if n := len(w.attempts()); n != 2 || w.totals()[report.TCPRefused] != 1 {
			t.Errorf("%d results and %v", n, w.totals())
		}
		if !slices.Contains(sources, report.SourceAgent) || !slices.Contains(sources, report.SourceProber) {
			t.Errorf("headers of sources %v", sources)
		}
	})
}

func TestMalformedProbeResultsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		bad := sweep(2, 0)
		bad.Results[0].Outcome = "no outcome"
		a.AddProbeResults(time.Now(), bad)
		a.AddProbeResults(time.Now(), nil)
		a.AddProbeResults(time.Now(), sweep(1, 0))
		time.Sleep(2 * time.Second)
		if n := a.Stats().Dropped[report.DropOverflow]; n != 1 {
			t.Errorf("%d dropped, want 1", n)
		}
		if got := w.attempts(); len(got) != 1 {
			t.Errorf("%v arrived", got)
		}
	})
}

func TestUncapped(t *testing.T) {
	for _, uncapped := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "c1")
			w.policy.BytesPerDay = 6000
			o := w.options(newMemory().spool(), report.Counts)
			o.Uncapped = uncapped
			a := start(t, o)
			for range 10 {
				a.AddProbeResults(time.Now(), sweep(1, 0))
				time.Sleep(15 * time.Second)
			}
			if n := len(w.attempts()); n == 10 != uncapped {
				t.Errorf("uncapped %v: %d results arrived of 10", uncapped, n)
			}
		})
	}
}
