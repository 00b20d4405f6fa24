package sqlitestore_test

import (
	"compress/gzip"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// A store of every released schema is read for ever, and takes what this release stores.
func TestOldStoreIsUpgraded(t *testing.T) {
	path := storePath(t)
	script, err := os.ReadFile("testdata/v1.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(script)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is of this release's version
		events, state := open(t, path)
		all, err := events.Samples(t.Context(), model.SampleQuery{Type: "tcp"})
		if err != nil || len(all) != 1 || all[0].Outcome != report.TCPReset || all[0].Error != (model.ApplicationError{}) {
			t.Fatalf("old sample: %+v, %v", all, err)
		}
		if cursor, err := state.Cursor(t.Context(), "c1"); cursor != 7 || err != nil {
			t.Errorf("cursor %d, %v", cursor, err)
		}
		if err := events.Close(); err != nil {
			t.Fatal(err)
		}
		if err := state.Close(); err != nil {
			t.Fatal(err)
		}
	}
	events, _ := open(t, path)
	b := detector.Batch{ID: id(1), Received: at(1), Samples: []model.Sample{{At: at(1), Outcome: report.AppPanic}}}
	if _, err := events.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	if all, err := events.Samples(t.Context(), model.SampleQuery{Type: "app"}); err != nil || len(all) != 1 {
		t.Errorf("new sample: %+v, %v", all, err)
	}
}

// What release 0.1.0 has stored is there after the upgrade: totals with their clients, samples,
// incidents, cursors, ids of batches and the last bin.
func TestStoreOfRelease010(t *testing.T) {
	path := unpacked(t, "testdata/release-0.1.0.db.gz")
	for range 2 { // the second time it is of this release's version
		events, state := open(t, path)
		checkRelease010(t, events, state)
		for _, err := range []error{state.Close(), events.Close()} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var tables int
	query(t, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'sightings'", &tables)
	if tables != 0 {
		t.Error("what single clients contributed is still there")
	}
}

// unpacked is a copy of a compressed file.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func checkRelease010(t *testing.T, events *sqlitestore.Events, state *sqlitestore.State) {
	t.Helper()
	ctx := t.Context()
	totals, err := events.Totals(ctx, model.TotalsQuery{By: model.DimensionsOf(model.ByOutcome)})
	by := model.DimensionsOf(model.ByOutcome)
	want := []model.Total{
		{Key: model.Series{Outcome: report.HTTPError}, By: by, Failed: 48, Clients: 8},
		{Key: model.Series{Outcome: report.TCPRefused}, By: by, Failed: 48, Clients: 8},
		{Key: model.Series{Outcome: report.OK}, By: by, OK: 48, Clients: 8},
	}
	slices.SortFunc(totals, func(a, b model.Total) int { return strings.Compare(string(a.Key.Outcome), string(b.Key.Outcome)) })
	slices.SortFunc(want, func(a, b model.Total) int { return strings.Compare(string(a.Key.Outcome), string(b.Key.Outcome)) })
	if err != nil || !slices.Equal(totals, want) {
		t.Errorf("totals %+v, %v; want %+v", totals, err, want)
	}
	delivered, err := events.Totals(ctx, model.TotalsQuery{Delivery: true})
	if err != nil || len(delivered) != 1 || delivered[0].OK != 48 {
		t.Errorf("deliveries %+v, %v", delivered, err)
	}
	samples, err := events.Samples(ctx, model.SampleQuery{Limit: 1000})
	if err != nil || len(samples) != 96 || !samples[0].At.After(samples[95].At) || samples[0].App != "heliograph-get" {
		t.Errorf("%d samples, %v; want 96", len(samples), err)
	}
	bin := time.UnixMilli(1795975670000) // the second of three
	cells, err := events.Cells(ctx, bin.Add(-5*time.Second), bin)
	if err != nil || len(cells) != 4 {
		t.Fatalf("%d cells of a bin, %v; want 4", len(cells), err)
	}
	for i := range cells {
		c := &cells[i]
		clients := 0.0
		for b := range c.Spread.Buckets {
			clients += b.Clients
		}
		if c.Clients.Count() != 8 || clients != 8 {
			t.Errorf("a cell of %d clients, %v in its histogram; want 8", c.Clients.Count(), clients)
		}
	}
	batches, err := events.Batches(ctx, time.Time{})
	id, idErr := report.ParseBatchID("01c8bd7f035199ec1b781a08a7f96f4c")
	if idErr != nil {
		t.Fatal(idErr)
	}
	info, found, findErr := events.Batch(ctx, id)
	if err != nil || findErr != nil || batches != 48 || !found || info.Feed != "c1" || info.Records != 4 {
		t.Errorf("%d batches, %v; one of them is %+v %v", batches, err, info, findErr)
	}
	if cursor, err := state.Cursor(ctx, "c1"); cursor != 1795975659316790 || err != nil {
		t.Errorf("cursor %d, %v", cursor, err)
	}
	if last, err := state.Evaluated(ctx); last.UnixMilli() != 1795975675000 || err != nil {
		t.Errorf("last bin %v, %v", last, err)
	}
	incidents, err := state.Incidents(ctx, start)
	if err != nil || len(incidents) != 2 {
		t.Fatalf("%d incidents, %v", len(incidents), err)
	}
	i := incidents[0]
	if i.ID != 2 || i.Outcome != report.TCPRefused || i.Target != "https://127.0.0.1:9" || !i.Open() || i.Failed != 40 || i.Requests != 40 ||
		i.Expected != 0.4 || i.Clients != 8 || len(i.Evidence) != 3 || !i.Scope.Everyone() || i.Since.Format(time.RFC3339) != "2026-11-29T18:07:40Z" {
		t.Errorf("%+v", i)
	}
}
