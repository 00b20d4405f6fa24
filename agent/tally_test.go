package agent_test

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// many is n like requests.
func many(n uint64, o agent.Observation) agent.Observation {
	o.Count = n
	return o
}

// page is a window of ten minutes that ended a minute ago.
func page(ppm uint32, list ...agent.Observation) agent.Tally {
	now := time.Now()
	return agent.Tally{Start: now.Add(-11 * time.Minute), End: now.Add(-time.Minute), SampledPPM: ppm, Observations: list}
}

func TestObservationsCountForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		a.Observe(success("shop.example"))
		a.Observe(many(41, success("shop.example")))
		a.Observe(many(3, failure("shop.example")))
		a.Observe(many(math.MaxUint64, failure("huge.example")))
		a.Observe(many(math.MaxUint64, failure("huge.example")))
		time.Sleep(4 * time.Second)
		b := w.batches()[0]
		if got := w.totals(); got[report.OK] != 42 || got[report.TCPRefused] != 3+report.MaxCount {
			t.Errorf("totals %v, want 42 successes, 3 failures and the most that a counter holds", got)
		}
		if len(b.samples) != 0 {
			t.Errorf("%d samples of what was told as a number only", len(b.samples))
		}
		if got := a.Stats().Observed; got != 1+41+3+2*report.MaxCount {
			t.Errorf("%d observed", got)
		}
	})
}

func TestTallyIsAWindowOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		time.Sleep(time.Hour)
		o := many(2, failure("Shop.example"))
		o.URL = "https://shop.example/cart"
		a.AddWindow(page(0, o, many(40, success("shop.example")), success("shop.example:443")))
		a.Observe(failure("live.example"))
		time.Sleep(4 * time.Second)
		var got []*report.Window
		samples := 0
		for _, b := range w.batches() {
			got = append(got, b.windows...)
			samples += len(b.samples)
		}
		if len(got) != 2 || samples != 1 {
			t.Fatalf("%d windows and %d samples, want one that was handed over and a live one with its sample", len(got), samples)
		}
		slices.SortFunc(got, func(x, y *report.Window) int { return cmp.Compare(y.Length, x.Length) })
		tallied, live := got[0], got[1]
		if tallied.Length != 600_000 || tallied.End > -60_000 || tallied.End < -63_000 || tallied.SampledPPM != report.FullPPM {
			t.Errorf("%+v, want ten minutes that ended a minute before they were sealed", tallied)
		}
		c := tallied.Counters
		if len(c) != 2 || c[0].Outcome != report.OK || c[0].Count != 41 || c[1].Count != 2 || c[1].Target != "https://shop.example" {
			t.Errorf("counters %+v", c)
		}
		if live.Length != 2000 || len(live.Counters) != 1 {
			t.Errorf("live window %+v", live)
		}
		if s := a.Stats(); s.Observed != 44 || s.Windows != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestTallyOddTimes: clocks of pages jump, too.
func TestTallyOddTimes(t *testing.T) {
	for _, test := range []struct {
		name       string
		start, end time.Duration // from now
		zero       bool
		length     uint64
		ended      time.Duration // from now
	}{
		{name: "usual", start: -time.Minute, end: -time.Second, length: 59_000, ended: -time.Second},
		{name: "none told", zero: true, length: 1},
		{name: "ends in the future", start: -time.Minute, end: time.Hour, length: 60_000},
		{name: "all in the future", start: time.Hour, end: 2 * time.Hour, length: 1},
		{name: "backwards", start: -time.Minute, end: -time.Hour, length: 1, ended: -time.Hour},
		{name: "endless", start: -100 * 24 * time.Hour, length: report.MaxAge},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				a := start(t, w.options(newMemory().spool(), report.Counts))
				now := time.Now()
				tally := agent.Tally{Observations: []agent.Observation{failure("shop.example")}}
				if !test.zero {
					tally.Start, tally.End = now.Add(test.start), now.Add(test.end)
				}
				a.AddWindow(tally)
				time.Sleep(4 * time.Second)
				win := w.batches()[0].windows[0]
				if win.Length != test.length || win.End != test.ended.Milliseconds() {
					t.Errorf("length %d, end %d; want %d and %d", win.Length, win.End, test.length, test.ended.Milliseconds())
				}
			})
		})
	}
}

func TestTallySampling(t *testing.T) {
	const full = report.FullPPM
	for _, test := range []struct {
		name          string
		policy, given uint32
		fails         bool
		weight        uint32  // that windows arrive with
		kept          float64 // of those handed over
	}{
		{"the policy wants fewer", full / 10, full / 2, false, full / 10, 0.2},
		{"the policy wants more", full / 2, full / 10, false, full / 10, 1},
		{"handed over for certain", full / 4, 0, false, full / 4, 0.25},
		{"a chance above one", full / 4, 2 * full, false, full / 4, 0.25},
		{"a failure in it", full / 10, full / 2, true, full, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const windows = 2000
				w := newWorld(t, "c1")
				w.policy.SuccessPPM = test.policy
				o := w.options(newMemory().spool(), report.Counts)
				o.Rand = seeded(4)
				a := start(t, o)
				list := []agent.Observation{many(5, success("shop.example"))}
				if test.fails {
					list = append(list, failure("shop.example"))
				}
				for range windows {
					a.AddWindow(page(test.given, list...))
					synctest.Wait()
				}
				_ = a.Flush(t.Context())
				n := 0
				for _, b := range w.batches() {
					for _, win := range b.windows {
						n++
						if win.SampledPPM != test.weight {
							t.Fatalf("window of %d ppm, want %d", win.SampledPPM, test.weight)
						}
					}
				}
				if got := float64(n) / windows; math.Abs(got-test.kept) > 0.04 {
					t.Errorf("%v of the windows were kept, want %v", got, test.kept)
				}
				if s := a.Stats(); s.Windows != windows || s.SampledOut != uint64(windows-n) || len(s.Dropped) != 0 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

func TestTallyFollowsConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Off))
		a.AddWindow(page(0, failure("off.example")))
		time.Sleep(time.Hour)
		began := time.Now().Add(-time.Second)
		a.SetConsent(report.Diagnostics)
		a.AddWindow(agent.Tally{Start: began, Observations: []agent.Observation{failure("before.example")}})
		// may have begun before
		a.AddWindow(agent.Tally{Observations: []agent.Observation{failure("untold.example")}})
		a.AddWindow(agent.Tally{Start: time.Now(), Observations: []agent.Observation{failure("lowered.example")}})
		a.SetConsent(report.Counts)
		time.Sleep(4 * time.Second)
		a.AddWindow(agent.Tally{Start: time.Now(), Observations: []agent.Observation{failure("withdrawn.example")}})
		a.SetConsent(report.Off)
		time.Sleep(time.Hour)
		var targets []string
		for _, b := range w.batches() {
			for _, win := range b.windows {
				for _, c := range win.Counters {
					targets = append(targets, c.Target)
				}
			}
		}
		if len(targets) != 1 || targets[0] != "https://lowered.example" {
			t.Errorf("recorded %v, want what began after the consent and was sealed before it ended", targets)
		}
		if got := a.Stats().Observed; got != 2 {
			t.Errorf("%d observed, want 2", got)
		}
	})
}

func TestTallyLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		var list []agent.Observation
		for i := range report.MaxCounters + 10 {
			list = append(list, many(2, failure("h"+strconv.Itoa(i)+".example")))
		}
		a.AddWindow(page(0, list...))
		a.AddWindow(agent.Tally{Start: time.Now()})
		time.Sleep(4 * time.Second)
		if got := w.totals()[report.TCPRefused]; got != 2*report.MaxCounters {
			t.Errorf("%v requests arrived, want %d", got, 2*report.MaxCounters)
		}
		if s := a.Stats(); s.Dropped[report.DropOverflow] != 20 || s.Windows != 1 {
			t.Errorf("stats %+v, want 20 lost to overflow and one window", s)
		}
	})
}

// TestTalliesDoNotWaitForTheDisk: while it hangs, they queue up to a limit, and what is beyond
// is counted.
func TestTalliesDoNotWaitForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		hangs := &hangingSpool{Spool: memory.spool(), hang: make(chan struct{})}
		a := start(t, w.options(hangs, report.Counts))
		a.AddWindow(page(0, failure("first.example")))
		synctest.Wait() // the first is at the disk
		for range 70 {
			a.AddWindow(page(0, failure("shop.example")))
		}
		if got := a.Stats().Dropped[report.DropQueueFull]; got != 6 {
			t.Errorf("%d dropped of 70, want those above 64", got)
		}
		close(hangs.hang)
		time.Sleep(4 * time.Second)
		if got := w.totals()[report.TCPRefused]; got != 65 {
			t.Errorf("%v failures arrived, want 65", got)
		}
		if got := w.drops()[report.DropQueueFull]; got != 6 {
			t.Errorf("headers tell of %d, want 6", got)
		}
	})
}

func TestTallyIsSealedAtShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.AddWindow(page(0, failure("shop.example")))
		if err := a.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.AddWindow(page(0, failure("late.example")))
		if got := w.totals()[report.TCPRefused]; got != 1 {
			t.Errorf("%v failures arrived, want the one of before", got)
		}
	})
}

// hangingSpool is on a disk that hangs.
type hangingSpool struct {
	agent.Spool
	hang chan struct{}
}

func (s *hangingSpool) Begin(birth time.Time, id report.BatchID, prefix []byte) (agent.SegmentWriter, error) {
	<-s.hang
	return s.Spool.Begin(birth, id, prefix)
}
