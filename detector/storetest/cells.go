package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// sorted returns cells in a fixed order.
func sorted(cells []detector.Cell) []detector.Cell {
	slices.SortFunc(cells, func(a, b detector.Cell) int {
		return cmp.Or(a.End.Compare(b.End), cmp.Compare(fmt.Sprint(a.Series), fmt.Sprint(b.Series)))
	})
	return cells
}

// buckets returns a cell's histogram.
func buckets(c *detector.Cell) []sketch.Bucket { return slices.Collect(c.Spread.Buckets) }

// cells: counts that are stored in pieces give the same cells as Fold of all of them, except for
// the histogram of clients that came in several pages.
func cells(t *eventsTest) {
	retry := model.Series{App: "shop", Target: shop, Source: report.SourceAgent, Outcome: report.TCPReset, Flags: report.FlagRetry}
	full := model.Series{App: "shop", Target: shop, Outcome: report.HTTPError, Protocol: "h2", Status: 503, Server: "a:1", ASN: 9, Country: "XB", Source: report.SourceBrowser}
	counts := []model.Count{
		count(2, 1, 3, 4, ok), count(4, math.MaxUint64, 2, 1, full), count(4, 1, 5, 1, retry), count(6, 1, 6, 1, ok),
		count(4, 2, 2, 1, full), count(4, 3, 300, 20, ok), count(4, 4, 1, 1, ok),
	}
	want := detector.Fold(counts)
	for i, c := range counts {
		t.append(batch(i+1, c))
	}
	got, err := t.Cells(t.Context(), start, at(6))
	must(t.T, err)
	compareCells(t, got, want)
	if got, err = t.Cells(t.Context(), at(2), at(4)); err != nil || len(got) != 3 {
		t.Fatalf("%d cells of the second bin, %v; want 3", len(got), err)
	}
	for i := range got {
		if !got[i].End.Equal(at(4)) {
			t.Errorf("a cell of the bin that ends at %v", got[i].End)
		}
	}
}

func compareCells(t *eventsTest, got, want []detector.Cell) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d cells, want %d", len(got), len(want))
	}
	sorted(got)
	sorted(want)
	for i := range want {
		g, w := &got[i], &want[i]
		if g.Series != w.Series || !g.End.Equal(w.End) || g.Raw != w.Raw || g.Estimated != w.Estimated || g.Clients.Count() != w.Clients.Count() ||
			!reflect.DeepEqual(buckets(g), buckets(w)) || !reflect.DeepEqual(g.Places, w.Places) {
			t.Errorf("cell %d:\n got %+v of %d clients %v\nwant %+v of %d clients %v", i, g.Series, g.Clients.Count(), buckets(g), w.Series, w.Clients.Count(), buckets(w))
		}
	}
}

// cellsOfMany: sets of clients that are too large to be exact, in pages that overlap.
func cellsOfMany(t *eventsTest) {
	var whole detector.Cell
	for page := range 10 {
		b := batch(page + 1)
		for c := range uint64(100) {
			b.Counts = append(b.Counts, count(2, uint64(page)*50+c, 1, 1, ok))
		}
		t.append(b)
		whole.Merge(&detector.Fold(b.Counts)[0])
	}
	got, err := t.Cells(t.Context(), start, at(2))
	if err != nil || len(got) != 1 {
		t.Fatalf("%d cells, %v", len(got), err)
	}
	c := &got[0]
	if c.Raw != 1000 || c.Clients.Count() != whole.Clients.Count() || !reflect.DeepEqual(buckets(c), buckets(&whole)) {
		t.Errorf("%d requests of %d clients, want 1000 of %d", c.Raw, c.Clients.Count(), whole.Clients.Count())
	}
}

// cellsUncut: a bin has all its series, however many there are.
func cellsUncut(t *eventsTest) {
	const series = model.MaxRows + model.MaxRows/5
	b := batch(1)
	for i := range series {
		b.Counts = append(b.Counts, count(2, uint64(i), 1, 1, model.Series{Outcome: report.OK, ASN: uint32(i)}))
	}
	t.append(b)
	got, err := t.Cells(t.Context(), start, at(2))
	must(t.T, err)
	seen := map[uint32]bool{}
	for i := range got {
		if seen[got[i].ASN] = true; got[i].Raw != 1 || got[i].Clients.Count() != 1 {
			t.Fatalf("%+v", got[i])
		}
	}
	if len(seen) != series {
		t.Errorf("%d of %d series", len(seen), series)
	}
	if all := t.totals(model.TotalsQuery{By: model.DimensionsOf(model.ByASN)}); len(all) != model.MaxRows {
		t.Errorf("%d rows of totals, want MaxRows", len(all))
	}
}

func eachSeries(t *eventsTest) {
	fillTotals(t)
	var all []model.Series
	must(t.T, t.EachSeries(t.Context(), func(s model.Series) error {
		all = append(all, s)
		return nil
	}))
	full := model.Series{App: "shop", Target: shop, Source: report.SourceAgent, Country: "XA", Outcome: report.OK, Server: "a:1", ASN: 1, Protocol: "h2", Status: 200}
	if len(all) != 6 || !slices.Contains(all, full) {
		t.Errorf("%d series, want 6 and %+v among them: %+v", len(all), full, all)
	}
	enough, calls := errors.New("enough"), 0
	if err := t.EachSeries(t.Context(), func(model.Series) error { calls++; return enough }); !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%v after %d calls, want the function's own error after one", err, calls)
	}
}

// inventedCounts: impossible sums cause no errors.
func inventedCounts(t *eventsTest) {
	for n := range 10 {
		t.append(batch(n+1, count(2, 1, report.MaxCount, 1_000_000, ok)))
	}
	if got := t.total(model.TotalsQuery{}); got.OK != 10*report.MaxCount*1e6 || got.Clients != 1 {
		t.Errorf("%+v", got)
	}
	if got, err := t.Cells(t.Context(), start, at(2)); err != nil || len(got) != 1 || got[0].Raw != 10*report.MaxCount {
		t.Errorf("%+v %v", got, err)
	}
}

// saturated: a sum that is too large for the database stays at the maximum.
func saturated(t *eventsTest) {
	for n := range 3 {
		t.append(batch(n+1, count(2, 1, math.MaxInt64-1, 1, ok), count(2, 2, math.MaxUint64, 1, reset)))
	}
	got, err := t.Cells(t.Context(), start, at(2))
	if err != nil || len(got) != 2 || got[0].Raw != math.MaxInt64 || got[1].Raw != math.MaxInt64 {
		t.Errorf("%+v %v", got, err)
	}
	t.total(model.TotalsQuery{})
}

// places: what came from which bucket is summed, and the distinct ones are counted.
func places(t *eventsTest) {
	var all []model.Count
	for n := range 60 {
		c := count(2+2*(n%2), uint64(n), 3, 1+float64(n%3), ok)
		c.Bucket = report.Bucket(n % 21 * 200) // the first is unknown
		all = append(all, c)
		t.append(batch(n+1, c))
	}
	got, err := t.Cells(t.Context(), start, at(4))
	must(t.T, err)
	compareCells(t, got, detector.Fold(all))
	if sum := t.total(model.TotalsQuery{}); sum.Places != 20 || sum.Clients != 60 {
		t.Errorf("%d places of %d clients, want 20 of 60", sum.Places, sum.Clients)
	}
	if sum := t.total(model.TotalsQuery{Since: at(3)}); sum.Places != 20 {
		t.Errorf("%d places in the second bin, want 20", sum.Places)
	}
}
