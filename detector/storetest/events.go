package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// TestEvents checks that an implementation of [detector.Events] follows the rules of that
// interface. newStore makes an empty place for a store and returns a function that opens it.
// TestEvents opens a place several times, but never while it is open, and closes what it opens.
func TestEvents(t *testing.T, newStore func(t *testing.T) (open func() (detector.Events, error))) {
	for _, test := range []struct {
		name string
		run  func(s *eventsTest)
	}{
		{"nothing at first", nothingReported},
		{"a batch is stored once", storedOnce},
		{"what is stored stays", eventsStay},
		{"totals", totals},
		{"totals by every dimension", totalsOfAll},
		{"totals count clients", totalsClients},
		{"totals in a scope", totalsInScope},
		{"reachability", reachability},
		{"curve", curve},
		{"cells", cells},
		{"cells of many clients", cellsOfMany},
		{"cells are never cut", cellsUncut},
		{"samples", samples},
		{"samples in full", samplesInFull},
		{"samples searched", searched},
		{"forgotten clients", forgotten},
		{"probes", probes},
		{"the latest probes", latestProbes},
		{"series", eachSeries},
		{"prune", pruneEvents},
		{"invented counts", inventedCounts},
		{"sums that saturate", saturated},
		{"places", places},
		{"what one place reports is clipped", clipped},
		{"copies of one id", copiesOfOneID},
		{"by name", cameByName},
		{"rows to be judged", toBeJudged},
		{"rollups", rollups},
		{"latencies", latencies},
		{"causes of errors", fingerprints},
		{"many at a time", manyAppend},
		{"a context that ended", eventsContext},
		{"ready until closed", eventsReady},
	} {
		t.Run(test.name, func(t *testing.T) {
			open := newStore(t)
			test.run(&eventsTest{T: t, open: open, Events: opened(t, open)})
		})
	}
}

// eventsTest is one test and its open store.
type eventsTest struct {
	*testing.T
	detector.Events
	open  func() (detector.Events, error)
	pages uint64
}

// reopen closes the store and opens it again.
func (t *eventsTest) reopen() {
	t.Helper()
	must(t.T, t.Close())
	t.Events = opened(t.T, t.open)
}

// append stores a page of batches.
func (t *eventsTest) append(batches ...detector.Batch) []bool {
	t.Helper()
	t.pages++
	isNew, err := t.Append(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: t.pages, Batches: batches})
	must(t.T, err)
	if len(isNew) != len(batches) {
		t.Fatalf("Append answers for %d batches of %d", len(isNew), len(batches))
	}
	return isNew
}

func (t *eventsTest) totals(q model.TotalsQuery) []model.Total {
	t.Helper()
	all, err := t.Totals(t.Context(), q)
	must(t.T, err)
	return all
}

// total returns the only row.
func (t *eventsTest) total(q model.TotalsQuery) model.Total {
	t.Helper()
	all := t.totals(q)
	if len(all) != 1 {
		t.Fatalf("%d rows of totals, want 1: %+v", len(all), all)
	}
	return all[0]
}

func nothingReported(t *eventsTest) {
	ctx := t.Context()
	if got := t.total(model.TotalsQuery{}); got != (model.Total{}) {
		t.Errorf("Totals: %+v", got)
	}
	if all := t.totals(model.TotalsQuery{By: model.AllDimensions}); len(all) != 0 {
		t.Errorf("Totals by all: %+v", all)
	}
	if all, err := t.Samples(ctx, model.SampleQuery{}); len(all) != 0 || err != nil {
		t.Errorf("Samples: %v %v", all, err)
	}
	if all, err := t.Cells(ctx, time.Time{}, at(1e6)); len(all) != 0 || err != nil {
		t.Errorf("Cells: %v %v", all, err)
	}
	if all, err := t.Servers(ctx, start); len(all) != 0 || err != nil {
		t.Errorf("Servers: %v %v", all, err)
	}
	if all, err := t.Reachability(ctx, model.ReachQuery{Since: start, Step: time.Second}); len(all) != 0 || err != nil {
		t.Errorf("Reachability: %v %v", all, err)
	}
	if all, err := t.Curve(ctx, model.CurveQuery{Since: start, Step: time.Second}); len(all) != 0 || err != nil {
		t.Errorf("Curve: %v %v", all, err)
	}
	if all, err := t.ProbeResults(ctx, model.ProbeQuery{}); len(all) != 0 || err != nil {
		t.Errorf("ProbeResults: %v %v", all, err)
	}
	if _, found, err := t.Batch(ctx, id(1)); found || err != nil {
		t.Errorf("Batch: %v %v", found, err)
	}
	if n, err := t.Batches(ctx, time.Time{}); n != 0 || err != nil {
		t.Errorf("Batches: %v %v", n, err)
	}
	must(t.T, t.Forget(ctx, nil))
	must(t.T, t.Forget(ctx, []uint64{7}))
	must(t.T, t.AddProbes(ctx, nil))
	must(t.T, t.Prune(ctx, start, detector.Retention{}))
	if isNew := t.append(); len(isNew) != 0 {
		t.Errorf("an empty page: %v", isNew)
	}
}

func storedOnce(t *eventsTest) {
	b := batch(1, count(2, 7, 3, 1, reset))
	b.Samples, b.Probes = []model.Sample{appError(1, 7)}, []model.ProbeResult{attempt(1, "v1", "web1")}
	for i, want := range [][]bool{{true, false}, {false, false}} {
		if got := t.append(b, b); !slices.Equal(got, want) {
			t.Errorf("page %d: new are %v, want %v", i, got, want)
		}
	}
	other := batch(2, count(2, 7, 1, 1, reset))
	if got := t.append(b, other); !slices.Equal(got, []bool{false, true}) {
		t.Errorf("a page with a known and a new batch: %v", got)
	}
	if got := t.total(model.TotalsQuery{Since: start}); got != (model.Total{Failed: 4, Clients: 1}) {
		t.Errorf("%+v, want 4 failures of one client", got)
	}
	if all, err := t.Samples(t.Context(), model.SampleQuery{}); len(all) != 1 || err != nil {
		t.Errorf("%d samples, %v", len(all), err)
	}
	if all, err := t.ProbeResults(t.Context(), model.ProbeQuery{}); len(all) != 1 || err != nil {
		t.Errorf("%d probe results, %v", len(all), err)
	}
	info, found, err := t.Batch(t.Context(), id(1))
	if err != nil || !found || !info.Received.Equal(start) || info.Feed != "c1" || info.App != "shop" || info.Records != 2 {
		t.Errorf("%+v %v %v", info, found, err)
	}
	for since, want := range map[time.Time]uint64{{}: 2, start: 2, start.Add(time.Millisecond): 0} {
		if n, err := t.Batches(t.Context(), since); n != want || err != nil {
			t.Errorf("%d batches since %v, %v; want %d", n, since, err, want)
		}
	}
}

func eventsStay(t *eventsTest) {
	b := batch(1, count(2, 7, 3, 4, ok), count(2, 8, 1, 1, reset))
	b.Samples, b.Probes = []model.Sample{appError(1, 7)}, []model.ProbeResult{attempt(1, "v1", "web1")}
	t.append(b)
	before, err := t.Cells(t.Context(), start, at(9))
	must(t.T, err)
	t.reopen()
	after, err := t.Cells(t.Context(), start, at(9))
	if err != nil || !reflect.DeepEqual(sorted(after), sorted(before)) || len(after) != 2 {
		t.Errorf("cells were %+v and are %+v, %v", before, after, err)
	}
	if isNew := t.append(b); isNew[0] {
		t.Error("the batch is taken for a new one")
	}
	if got := t.total(model.TotalsQuery{}); got != (model.Total{OK: 12, Failed: 1, Clients: 2}) {
		t.Errorf("%+v", got)
	}
}

// copiesOfOneID: a batch may arrive truncated and whole, in either order, and another batch may
// have the same id.
func copiesOfOneID(t *eventsTest) {
	copyOf := func(n int, sealing byte, frames int) detector.Batch {
		b := batch(n)
		b.Sealing = [16]byte{sealing}
		for f := range frames {
			b.Counts = append(b.Counts, count(f, 1, 1, 1, ok))
			b.Samples = append(b.Samples, model.Sample{At: at(f), Outcome: "tcp.reset"})
			b.EndFrame()
		}
		b.Counts = append(b.Counts, count(0, 1, 1, 1, model.Series{App: model.DeliveryApp, Target: model.CollectorTarget + "c1", Outcome: "ok"}))
		return b
	}
	for i, c := range []struct {
		batch      detector.Batch
		isNew      bool
		ok, stored int // after it
	}{
		{copyOf(1, 1, 1), true, 1, 1},  // only the header
		{copyOf(1, 1, 3), true, 3, 3},  // two frames more
		{copyOf(1, 1, 3), false, 3, 3}, // the same copy again
		{copyOf(1, 1, 2), false, 3, 3}, // less
		{copyOf(1, 2, 2), true, 5, 5},  // another batch
		{copyOf(1, 2, 2), false, 5, 5},
		{copyOf(1, 1, 4), true, 6, 6},
		{copyOf(2, 1, 2), true, 8, 8}, // another id
	} {
		if isNew := t.append(c.batch); isNew[0] != c.isNew {
			t.Errorf("step %d: new is %v", i, isNew[0])
		}
		all, err := t.Samples(t.Context(), model.SampleQuery{Limit: 100})
		must(t.T, err)
		if got := t.total(model.TotalsQuery{Since: start.Add(-day)}); got.OK != float64(c.ok) || len(all) != c.stored {
			t.Errorf("step %d: %v requests and %d samples are stored, want %d and %d", i, got.OK, len(all), c.ok, c.stored)
		}
		t.reopen()
	}
	if b, found, err := t.Batch(t.Context(), id(1)); err != nil || !found || b.Records != 2 {
		t.Errorf("Batch: %+v, %v, %v", b, found, err)
	}
}

// manyAppend: several goroutines append and read at the same time.
func manyAppend(t *eventsTest) {
	const writers, each = 4, 20
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := range each {
				b := batch(1000*w+n, count(2*n, uint64(w), 1, 1, ok), count(2*n, uint64(w), 1, 1, model.Series{Outcome: "tcp.reset", ASN: uint32(n)}))
				page := &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b, batch(1)}}
				if _, err := t.Append(t.Context(), page); err != nil {
					t.Errorf("Append: %v", err)
				}
				if _, err := t.Totals(t.Context(), model.TotalsQuery{By: model.DimensionsOf(model.ByASN)}); err != nil {
					t.Errorf("Totals: %v", err)
				}
			}
		})
	}
	group.Wait()
	// Batch 1 has the same id as a batch of a writer. The first of them was stored.
	got := t.total(model.TotalsQuery{Since: start.Add(-day)})
	if want := float64(writers * each); got.Clients != writers || got.OK < want-1 || got.OK > want || got.OK != got.Failed {
		t.Errorf("%+v, want %v of each kind and %d clients", got, want, writers)
	}
}

func eventsContext(t *eventsTest) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := t.Append(gone, &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{batch(1)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Append after its context ended: %v", err)
	}
	if _, found, err := t.Batch(t.Context(), id(1)); found || err != nil {
		t.Errorf("it has stored the batch (%v)", err)
	}
	if isNew := t.append(batch(1)); !isNew[0] {
		t.Error("the batch is no longer new")
	}
}

func eventsReady(t *eventsTest) {
	must(t.T, t.Ready(t.Context()))
	for range 2 {
		must(t.T, t.Close())
	}
	if err := t.Ready(t.Context()); err == nil {
		t.Error("a closed store is ready")
	}
	if _, err := t.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{batch(1)}}); err == nil {
		t.Error("a closed store takes a batch")
	}
}
