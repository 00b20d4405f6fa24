package detector

import (
	"fmt"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// rollupRow returns a row of a minute.
func rollupRow(asn uint32, client uint64, version string) judgement.Row {
	return judgement.Row{At: 60_000, App: "shop", Version: version, OS: "linux", Target: "https://shop.test", Outcome: report.OK, ASN: asn, Country: "XA",
		Bucket: report.Bucket(client%100 + 1), Client: client, Raw: 1, Estimated: 2}
}

// Whatever one network invents, the cells of a minute are bounded, no request is lost, and the
// cells of others stay as they are.
func TestRollupsAreBoundedFairly(t *testing.T) {
	var rows []judgement.Row
	for i := range 20_000 {
		r := rollupRow(666, uint64(i), fmt.Sprint("9.", i))
		r.OS = fmt.Sprint("os", i%300)
		rows = append(rows, r)
	}
	for asn := range uint32(500) {
		for i := range 4 {
			rows = append(rows, rollupRow(1000+asn, uint64(i), fmt.Sprint("1.", i)))
		}
	}
	cells := RollUp(rows)
	if len(cells) > maxRollups {
		t.Fatalf("%d cells", len(cells))
	}
	honest, raw := 0, uint64(0)
	for i := range cells {
		c := &cells[i]
		raw += c.Raw
		if c.ASN == 666 {
			continue
		}
		if honest++; c.Version == other || c.OS == other || c.Clients.Count() != 1 || c.Estimated != 2 {
			t.Fatalf("a cell of an honest network: %+v", c.RollupKey)
		}
	}
	if honest != 2000 || raw != 22_000 {
		t.Errorf("%d honest cells, want 2000; %d requests, want 22000", honest, raw)
	}
}

// Application errors are not counted as requests, however many kinds of them a network invents.
func TestManyErrorsAreNoRequests(t *testing.T) {
	var errs []model.Sample
	for i := range 4 * maxNetworkRollups {
		o := report.AppPanic
		if i%2 == 0 {
			o = report.BrowserCrash
		}
		errs = append(errs, model.Sample{At: time.UnixMilli(1000), App: "shop", Version: fmt.Sprint("9.", i), Outcome: o, ASN: 666})
	}
	cells := RollUpErrors(errs, func(client uint64) uint64 { return client })
	for i := range cells {
		if c := &cells[i]; !c.OfErrors() || len(cells) > maxNetworkRollups {
			t.Fatalf("%d cells, one of them %+v", len(cells), c.RollupKey)
		}
	}
}

// A minute is that of the window's end, and what one place shouts counts up to a limit.
func TestRollupsClipPlaces(t *testing.T) {
	var rows []judgement.Row
	for i := range 10 {
		rows = append(rows, rollupRow(uint32(i), uint64(i), "1"))
	}
	loud := rollupRow(5, 99, "2")
	loud.Bucket, loud.Raw, loud.Estimated = 77, 1_000_000, 1_000_000
	after := rollupRow(1, 1, "1")
	after.At++
	cells := RollUp(append(rows, loud, after))
	if n := len(cells); n != 12 || cells[n-1].At.UnixMilli() != 60_000 || cells[0].At.UnixMilli() != 0 {
		t.Fatalf("%d cells, %v to %v", len(cells), cells[0].At, cells[len(cells)-1].At)
	}
	for i := range cells {
		if c := &cells[i]; c.Version == "2" && (c.Raw != 1_000_000 || c.Estimated > 1000) {
			t.Errorf("%d requests of one place count as %v", c.Raw, c.Estimated)
		}
	}
}

// Every facet has a field and a case in Only.
func TestEveryFacetIsAField(t *testing.T) {
	full := model.RollupKey{App: "a", Version: "v", OS: "o", Target: "t", Outcome: report.OK, ASN: 9, Country: "XA", Source: report.SourceBrowser}
	if full.Only(model.Facets()) != full {
		t.Errorf("Only of all facets is %+v", full.Only(model.Facets()))
	}
	for _, f := range model.Facets() {
		if full.Only([]model.Facet{f}) == (model.RollupKey{}) {
			t.Errorf("Only has no %s", f)
		}
	}
}

// How long requests took makes no request more, and cells by octaves with the weight of their
// window.
func TestDurationsAreNoRequests(t *testing.T) {
	r := rollupRow(7, 1, "1.4")
	r.Raw, r.Estimated = 4, 80
	timed := r
	timed.Took = &report.Histogram{{Index: 41, Count: 1}, {Index: 48, Count: 1}, {Index: 49, Count: 2}}
	cells := RollUp([]judgement.Row{r, timed})
	got := map[report.Outcome]float64{}
	for i := range cells {
		got[cells[i].Outcome] += cells[i].Estimated
	}
	if len(cells) != 3 || got[report.OK] != 80 || got["took.6"] != 40 || got["took.7"] != 40 {
		t.Errorf("%v", got)
	}
	octave, ok := cells[1].Took()
	if !ok || octave != 6 || !cells[1].OfDurations() || cells[0].OfDurations() {
		t.Errorf("%+v", cells)
	}
	for i := range cells { // however few cells a network may have, durations do not become failures
		if c := coarse(cells[i].RollupKey, 2); c.OfDurations() != cells[i].OfDurations() {
			t.Errorf("%+v becomes %+v", cells[i].RollupKey, c)
		}
	}
}
