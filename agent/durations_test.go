package agent_test

import (
	"reflect"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// took is o, which took so long.
func took(d time.Duration, o agent.Observation) agent.Observation {
	o.Elapsed = d
	return o
}

// A window says how long its requests took, by target and outcome.
func TestDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(took(64*time.Millisecond, success("b.example")))
		a.Observe(took(65*time.Millisecond, success("b.example")))
		other := took(65*time.Millisecond, success("B.example"))
		other.Protocol = "http/1.1"
		a.Observe(many(5, other))
		a.ObserveRef(&other, time.Now(), 0)
		a.Observe(took(time.Hour, failure("b.example")))
		a.Observe(failure("b.example")) // unknown
		a.Observe(success("a.example"))
		a.Observe(took(-time.Second, success("a.example")))
		a.Observe(success("c.example"))
		time.Sleep(4 * time.Second)
		b := w.batches()[0]
		if len(b.windows) != 1 {
			t.Fatalf("%d windows", len(b.windows))
		}
		want := &report.Durations{Histograms: []report.Histogram{
			nil, // a.example
			{{Index: 48, Count: 1}, {Index: 49, Count: 7}},
			{{Index: report.HistogramBuckets - 1, Count: 1}},
		}}
		if got := b.durations[b.windows[0]]; !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// Without a duration there is no record of them.
func TestUnknownDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("a.example"))
		time.Sleep(4 * time.Second)
		if b := w.batches()[0]; len(b.windows) != 1 || len(b.durations) != 0 {
			t.Errorf("%d windows, %d durations", len(b.windows), len(b.durations))
		}
	})
}

// What another program has counted may have durations, too.
func TestDurationsOfATally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		time.Sleep(time.Hour)
		o := success("a.example")
		a.AddWindow(page(0, failure("a.example"), many(7, took(time.Second, o)), many(2, took(2*time.Second, o)), many(3, o)))
		time.Sleep(4 * time.Second)
		b := w.batches()[0]
		if len(b.windows) != 1 || len(b.windows[0].Counters) != 2 || b.windows[0].Counters[0].Count != 12 {
			t.Fatalf("%+v", b.windows)
		}
		want := report.Histogram{{Index: 80, Count: 7}, {Index: 88, Count: 2}}
		if d := b.durations[b.windows[0]]; d == nil || len(d.Histograms) != 1 || !reflect.DeepEqual(d.Histograms[0], want) {
			t.Errorf("%+v, want %+v", d, want)
		}
	})
}

// Many targets are counted as ever, but do not take more memory for their durations.
func TestDurationsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		const hosts = 1500
		for range 2 {
			for i := range hosts {
				a.Observe(took(time.Second, failure(strconv.Itoa(i)+".example")))
			}
		}
		time.Sleep(4 * time.Second)
		var counters, known int
		for _, b := range w.batches() {
			for _, win := range b.windows {
				counters += len(win.Counters)
				if d := b.durations[win]; d != nil {
					for _, h := range d.Histograms {
						known += int(h.Total())
					}
				}
			}
		}
		if counters != hosts || known != 2*256 {
			t.Errorf("%d counters and %d durations", counters, known)
		}
	})
}
