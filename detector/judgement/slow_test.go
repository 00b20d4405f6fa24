package judgement

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// timed adds to rows how long their requests took: 100 ms in the middle, with a long tail, and
// factor times as long where the fault is.
func timed(rng *rand.Rand, rows []Row, slower func(r *Row) float64) (all []Row) {
	for _, r := range rows {
		all = append(all, r)
		if r.Outcome != report.OK {
			continue
		}
		var took report.Histogram
		for range r.Raw {
			d := 0.1 * math.Exp(0.7*rng.NormFloat64()) * slower(&r)
			took = took.Plus(report.Histogram{{Index: report.HistogramIndex(time.Duration(d * float64(time.Second))), Count: 1}})
		}
		r.Took = &took
		all = append(all, r)
	}
	return all
}

// runTimed passes time as run does, with durations.
func (w *world) runTimed(judges []*Judge, rng *rand.Rand, d time.Duration, slower func(r *Row) float64) (events []Event) {
	for range int(d.Seconds()) {
		for _, r := range timed(rng, w.tick(), slower) {
			for _, j := range judges {
				j.Add(r)
			}
		}
		for i, j := range judges {
			said := j.Advance(w.second * 1000)
			if i == 0 {
				events = append(events, said...)
			}
		}
	}
	return events
}

func usual(*Row) float64 { return 1 }

// A target that answers slowly for some is an incident of its own kind with their scope, by a limit
// that was learned or that an objective gives, and none when it is as fast as ever.
func TestSlow(t *testing.T) {
	for name, c := range map[string]struct {
		within time.Duration
		factor float64
		limit  time.Duration
		holds  func(w *world, r *Row) bool
		scope  func(w *world) Scope
	}{
		"learned, for a network":    {0, 5, 620 * time.Millisecond, func(w *world, r *Row) bool { return r.ASN == w.near(0.095) }, scopeASN(0.095)},
		"by objective, for all":     {800 * time.Millisecond, 4, 800 * time.Millisecond, func(*world, *Row) bool { return true }, func(*world) Scope { return Scope{} }},
		"of one server, for all":    {0, 8, 620 * time.Millisecond, func(_ *world, r *Row) bool { return r.Server == serverName(3) }, func(*world) Scope { return Scope{Server: []string{serverName(3)}} }},
		"of one version, for those": {0, 4, 620 * time.Millisecond, func(_ *world, r *Row) bool { return r.Version == "1.4.1" }, func(*world) Scope { return Scope{Version: []string{"1.4.1"}} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rng := newWorld(11), rand.New(rand.NewPCG(11, 4))
			w.servers = 5
			j := newJudge(t, Options{Within: func(string) time.Duration { return c.within }})
			if events := w.runTimed([]*Judge{j}, rng, 25*time.Minute, usual); len(events) > 0 {
				t.Errorf("calm:")
				show(t, worldStart, events)
			}
			start := w.second * 1000
			slower := func(r *Row) float64 {
				if c.holds(w, r) {
					return c.factor
				}
				return 1
			}
			events := w.runTimed([]*Judge{j}, rng, 10*time.Minute, slower)
			ended := w.second * 1000
			events = append(events, w.runTimed([]*Judge{j}, rng, 15*time.Minute, usual)...)
			show(t, start, events)
			if len(events) < 2 || events[0].Kind != Opened || events[len(events)-1].Kind != Cleared || events[0].ID != events[len(events)-1].ID {
				t.Fatalf("%d events, want one incident that is over", len(events))
			}
			e, want := events[0], c.scope(w)
			if e.Verdict != model.SlowAnswers || !e.Page || !reflect.DeepEqual(e.Outcomes, []report.Outcome{model.Slow}) || !events[len(events)-1].Scope[0].equal(&want) {
				t.Errorf("told %+v, want a page of slow answers for %+v", e, want)
			}
			if off := float64(e.SlowerThan) / float64(c.limit); off < 0.8 || off > 1.25 {
				t.Errorf("slower than %v, want about %v", e.SlowerThan, c.limit)
			}
			if delay := e.Judged - start; delay > 4*60_000 {
				t.Errorf("told after %d s", delay/1000)
			}
			if off := e.Onset - start; off < -60_000 || off > 90_000 {
				t.Errorf("the onset is %d s off", off/1000)
			}
			if last := events[len(events)-1]; last.Until < ended-60_000 || last.Until > ended+5*60_000 {
				t.Errorf("over %d s after the end", (last.Until-ended)/1000)
			}
		})
	}
}

// What is slow for few, a little, or only among the windows that a failure makes all agents send,
// alerts nobody.
func TestNotSlow(t *testing.T) {
	for name, c := range map[string]struct {
		fault  func(w *world, r *request) // of requests, not of their durations
		slower func(w *world) func(r *Row) float64
		extra  func(w *world, rng *rand.Rand, second int64) []Row
	}{
		"one client": {nil, func(*world) func(r *Row) float64 { return usual }, func(w *world, rng *rand.Rand, second int64) []Row {
			r := Row{At: second * 1000, Arrived: second*1000 + 500, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.OK, Protocol: "h2", Status: 200,
				Server: serverName(1), Source: report.SourceAgent, ASN: w.networks[3].asn, Country: w.networks[3].country, Collector: "c1", Bucket: 17, Client: 5, Raw: 3, Estimated: 3}
			return timed(rng, []Row{r}, func(*Row) float64 { return 50 })
		}},
		"many clients behind one prefix": {nil, func(*world) func(r *Row) float64 { return usual }, func(w *world, rng *rand.Rand, second int64) []Row {
			r := Row{At: second * 1000, Arrived: second*1000 + 500, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.OK, Protocol: "h2", Status: 200,
				Server: serverName(1), Source: report.SourceAgent, ASN: w.networks[3].asn, Country: w.networks[3].country, Collector: "c1", Bucket: 17, Client: rng.Uint64(), Raw: 3, Estimated: 60}
			return timed(rng, []Row{r}, func(*Row) float64 { return 50 })
		}},
		"a quarter slower": {nil, func(*world) func(r *Row) float64 { return func(*Row) float64 { return 1.25 } }, nil},
		"a network that fails in part": {func(w *world, q *request) {
			if q.asn == w.near(0.095) && w.rng.IntN(2) == 0 {
				fails(q, report.TCPTimedOut)
			}
		}, func(*world) func(r *Row) float64 { return usual }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rng := newWorld(12), rand.New(rand.NewPCG(12, 4))
			j := newJudge(t, Options{})
			w.runTimed([]*Judge{j}, rng, 30*time.Minute, usual)
			start := w.second * 1000
			if c.fault != nil {
				w.fault = func(_ int64, q *request) { c.fault(w, q) }
			}
			if c.extra != nil {
				w.extra = func(second int64) []Row { return c.extra(w, rng, second) }
			}
			events := w.runTimed([]*Judge{j}, rng, 15*time.Minute, c.slower(w))
			for _, e := range events {
				for _, o := range e.Outcomes {
					if o == model.Slow && e.Page {
						t.Errorf("told to be slow:")
						show(t, start, events)
					}
				}
			}
			if c.fault != nil && len(events) == 0 {
				t.Error("the failures were not told")
			}
		})
	}
}

// Slow requests that are told long after the fact make an incident of the past, which alerts
// nobody.
func TestSlowOfThePast(t *testing.T) {
	w, rng := newWorld(13), rand.New(rand.NewPCG(13, 4))
	j := newJudge(t, Options{})
	w.runTimed([]*Judge{j}, rng, 25*time.Minute, usual)
	start, asn := w.second*1000, w.near(0.095)
	end := start + 10*60_000
	w.offline = func(v *visit, at int64) int64 {
		if v.asn == asn && at >= start && at < end {
			return end - at + 10*60_000 + w.rng.Int64N(60_000)
		}
		return 0
	}
	events := w.runTimed([]*Judge{j}, rng, 35*time.Minute, func(r *Row) float64 {
		if r.ASN == asn && r.At >= start && r.At < end {
			return 20
		}
		return 1
	})
	show(t, start, events)
	found := false
	for _, e := range events {
		if e.Page {
			t.Errorf("it alerts people: %+v", e)
		}
		found = found || e.Late && e.Outcomes[0] == model.Slow
	}
	if !found {
		t.Error("nothing was told of the past")
	}
}

// A restart in the middle of slowness costs nothing that was learned, and tells nothing again.
func TestSnapshotOfSlowness(t *testing.T) {
	w, rng := newWorld(14), rand.New(rand.NewPCG(14, 4))
	j := newJudge(t, Options{})
	w.runTimed([]*Judge{j}, rng, 25*time.Minute, usual)
	slow := func(*Row) float64 { return 6 }
	if events := w.runTimed([]*Judge{j}, rng, 5*time.Minute, slow); len(events) == 0 || events[0].Verdict != model.SlowAnswers {
		t.Fatalf("told: %+v", events)
	}
	snapshot, err := j.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Restore(Options{}, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.Snapshot(); err != nil || !bytes.Equal(snapshot, second) {
		t.Errorf("a snapshot of what was restored differs: %v", err)
	}
	for _, e := range w.runTimed([]*Judge{again}, rng, 3*time.Minute, slow) {
		if e.Kind != Changed {
			t.Errorf("after the restart: %+v", e)
		}
	}
	if all := again.Present(); len(all) != 1 || all[0].Failed < all[0].Requests/3 {
		t.Errorf("present: %+v", all)
	}
}
