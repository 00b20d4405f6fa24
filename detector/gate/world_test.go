package gate_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/gate"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// world is a store of rollups that a simulation fills. Each minute it asks the gate.
type world struct {
	rows  []judgement.Row
	cells []detector.RollupCell
	query model.GateQuery
	worse time.Duration // when the release was called worse; 0: never
	last  model.Gate

	slower float64 // how much longer requests of the release take; 0: nobody tells durations
	rng    *rand.Rand
}

func (w *world) Row(r simulate.Row) error {
	w.rows = append(w.rows, r)
	if w.slower > 0 && r.Outcome == report.OK {
		r.Took = w.took(&r)
		w.rows = append(w.rows, r)
	}
	return nil
}

func (w *world) Probe(simulate.Probe) error { return nil }

// took invents how long the requests of a row took: some 100 ms, with a long tail and longer in
// larger networks' numbers, and those of the release slower times as long.
func (w *world) took(r *simulate.Row) *report.Histogram {
	var h report.Histogram
	median := 0.1 + 0.05*float64(r.ASN%7)
	if r.Version == w.query.Version {
		median *= w.slower
	}
	for range r.Raw {
		d := median * math.Exp(0.7*w.rng.NormFloat64())
		h = h.Plus(report.Histogram{{Index: report.HistogramIndex(time.Duration(d * float64(time.Second))), Count: 1}})
	}
	return &h
}

func (w *world) Tick(at int64) error {
	if at%60_000 != 0 || w.worse > 0 {
		return nil
	}
	w.cells = append(w.cells, detector.RollUp(w.rows)...)
	w.rows = w.rows[:0]
	now := time.UnixMilli(at)
	if !now.After(w.query.Since) {
		return nil
	}
	var err error
	if w.last, err = gate.Judge(context.Background(), w, w.query, now); err == nil && w.last.State == model.GateWorse {
		w.worse = now.Sub(w.query.Since)
	}
	return err
}

// Rollups implements gate.Reader, with the limits of a store.
func (w *world) Rollups(_ context.Context, q model.RollupQuery) (all []model.Rollup, err error) {
	type key struct {
		at int64
		model.RollupKey
	}
	at := map[key]int{}
	for i := range w.cells {
		c := &w.cells[i]
		if c.At.Before(q.Since) || c.At.Add(q.Step).After(q.Until) || c.App != q.App || !slices.Contains(q.Versions, c.Version) || c.Outcome.Under("app") != q.Errors || c.OfDurations() != q.Durations {
			continue
		}
		k := key{c.At.UnixMilli(), c.Only(q.By)}
		n, known := at[k]
		if !known {
			n, at[k] = len(all), len(all)
			all = append(all, model.Rollup{At: c.At, Key: k.RollupKey})
		}
		r := &all[n]
		r.Clients += uint64(c.Clients.Count())
		if r.Reports += c.Raw; c.Outcome == report.OK || q.Durations {
			r.OK += c.Estimated
		} else {
			r.Failed += c.Estimated
		}
	}
	if len(all) > mostGroups {
		return nil, &model.CostError{Of: "groups", Most: mostGroups}
	}
	return all[:min(len(all), model.MaxRows)], nil
}

// mostGroups is how many groups a store sums for an answer at most.
const mostGroups = 50_000

// released simulates a release to a tenth of the users, of whose requests a share fails beyond
// those of the others, for half an hour. slower is as in world.
func released(t *testing.T, seed uint64, fails, slower float64, scope string) *world {
	t.Helper()
	text := "about: A release.\nduration: 35m\nreleases: [{version: 1.5.0, start: 5m, share: 0.1}]\n"
	if fails > 0 {
		text += fmt.Sprintf("faults: [{start: 5m, duration: 30m, outcomes: {http.error: 1}, status: 500, share: %v, verdict: release, scope: {version: [1.5.0]%s}}]\n", fails, scope)
	}
	s, err := simulate.Parse("release.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{query: model.GateQuery{App: "shop", Version: "1.5.0", Against: "1.4.2", Since: s.Start.Add(5 * time.Minute)}, slower: slower, rng: rand.New(rand.NewPCG(seed, 9))}
	if err := simulate.Run(s, seed, w); err != nil {
		t.Fatal(err)
	}
	return w
}

// A release that is no worse is healthy after half an hour. One that fails 2 % more is stopped
// within it. Command benchdetect does the same a hundred times.
func TestReleasesOfTheSimulator(t *testing.T) {
	for seed := range uint64(2) {
		if w := released(t, 1+seed, 0, 1, ""); w.last.State != model.GateHealthy {
			t.Errorf("seed %d: a healthy release is %s: %s", 1+seed, w.last.State, w.last.Title)
		}
		w := released(t, 1+seed, 0.02, 0, "")
		if w.worse == 0 || w.worse > 30*time.Minute {
			t.Errorf("seed %d: a bad release is %s after %v: %s", 1+seed, w.last.State, w.worse, w.last.Title)
		}
	}
}

// What a bad release does and to whom is named.
func TestBadReleaseSaysForWhom(t *testing.T) {
	w := released(t, 3, 0.2, 0, ", os: [android]")
	if w.worse == 0 || !slices.Equal(w.last.For, []string{"http.error", "on android"}) {
		t.Errorf("%s after %v for %q", w.last.Title, w.worse, w.last.For)
	}
}

// A release that is half as slow again is stopped, and it is said which answers are slow.
func TestSlowRelease(t *testing.T) {
	w := released(t, 5, 0, 1.5, "")
	if w.worse == 0 || w.last.Tests[0].State == model.GateWorse || w.last.Tests[2].State != model.GateWorse {
		t.Fatalf("%s after %v: %+v", w.last.Title, w.worse, w.last.Tests)
	}
	if !strings.Contains(w.last.Title, " more slow answers in a hundred requests (") {
		t.Error(w.last.Title)
	}
	if len(w.last.For) != 1 || !strings.HasPrefix(w.last.For[0], "answers of https://shop.example that take longer than ") {
		t.Errorf("for %q", w.last.For)
	}
	t.Log(w.last.Title, w.worse)
}
