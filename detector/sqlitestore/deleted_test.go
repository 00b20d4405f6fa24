package sqlitestore_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// A store of every released schema is read for ever, and takes what this release stores.
func TestOldStoreIsUpgraded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
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
		s := open(t, path)
		all, err := s.Samples(t.Context(), model.SampleQuery{Type: "tcp"})
		if err != nil || len(all) != 1 || all[0].Outcome != report.TCPReset || all[0].Message != "" || all[0].Fingerprint != [16]byte{} {
			t.Fatalf("old sample: %+v, %v", all, err)
		}
		if cursor, err := s.Cursor(t.Context(), "c1"); cursor != 7 || err != nil {
			t.Errorf("cursor %d, %v", cursor, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, path)
	ingest(t, s, 8, detector.Batch{ID: id(1), Received: at(1), Samples: []model.Sample{appError(1, 5)}})
	if all, err := s.Samples(t.Context(), model.SampleQuery{Type: "app"}); err != nil || len(all) != 1 {
		t.Errorf("new sample: %+v, %v", all, err)
	}
}

func appError(sec int, client uint64) model.Sample {
	return model.Sample{
		At: at(sec), App: "shop", Source: report.SourceAgent, Outcome: report.AppPanic, Phase: report.PhaseApplication, Country: "XA",
		ErrorType: "runtime.boundsError", Message: "index", Stack: "main.pay pay.go:7", Fingerprint: [16]byte{1}, Count: 2, Client: client,
	}
}

func TestApplicationErrorsComeBack(t *testing.T) {
	s := newStore(t)
	want := appError(5, 9)
	ingest(t, s, 1, detector.Batch{ID: id(1), Received: at(6), Samples: []model.Sample{want}})
	want.Client = 0 // readers have no use for it
	all, err := s.Samples(t.Context(), model.SampleQuery{Type: "app.panic"})
	if err != nil || !reflect.DeepEqual(all, []model.Sample{want}) {
		t.Errorf("got %+v, %v; want %+v", all, err, want)
	}
	if totals, err := s.Totals(t.Context(), model.TotalsQuery{}); err != nil || len(totals) != 1 || totals[0].Failed != 0 {
		t.Errorf("totals %+v, %v: an application error is no request", totals, err)
	}
}

func TestDeletedClientsLeaveNothingButSums(t *testing.T) {
	s := newStore(t)
	failed := model.Series{App: "shop", Target: "https://shop.test", Outcome: report.TCPReset, Source: report.SourceAgent, Country: "XA"}
	batch := func(n, sec int, clients ...uint64) detector.Batch {
		b := detector.Batch{ID: id(n), Received: at(sec)}
		for _, c := range clients {
			b.Counts = append(b.Counts, count(sec, c, 1, 1, failed))
			b.Samples = append(b.Samples, appError(sec, c))
		}
		return b
	}
	ingest(t, s, 1, batch(1, 2, 7, 8))
	notice := detector.Batch{ID: id(2), Received: at(4), Deleted: []uint64{7}}
	ingest(t, s, 2, batch(3, 4, 7, 8), notice, batch(4, 4, 7)) // before and after it in one bunch
	ingest(t, s, 3, batch(5, 6, 7, 8))                         // came late, from another collector
	totals, err := s.Totals(t.Context(), model.TotalsQuery{})
	if err != nil || len(totals) != 1 || totals[0].Failed != 7 || totals[0].Clients != 1 {
		t.Errorf("totals %+v, %v; want all 7 requests, of one client that is known", totals, err)
	}
	if all, err := s.Samples(t.Context(), model.SampleQuery{}); err != nil || len(all) != 3 {
		t.Errorf("%d samples, %v; want the other client's 3", len(all), err)
	}
	// Forgotten only when nothing of that client can come any more.
	if err := s.Prune(t.Context(), at(4).Add(30*24*time.Hour), detector.Retention{}); err != nil {
		t.Fatal(err)
	}
	ingest(t, s, 4, batch(6, 8, 7))
	if all, err := s.Samples(t.Context(), model.SampleQuery{}); err != nil || len(all) != 0 {
		t.Errorf("%d samples of a deleted client, %v", len(all), err)
	}
}
