// Package clickhouse tests detector/clickhousestore with real servers, each a process of its own
// that can be killed. The tests of all stores run beside the store itself.
package clickhouse

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// patience is how long a test waits for a state that is reached by itself.
const patience = 2 * time.Minute

// first is the time of the first batch of tests.
var first = time.Now().Add(-3 * time.Hour).Truncate(time.Hour)

// optionsOf returns the options of a store in a new database.
func optionsOf(t *testing.T, server *clickhousetest.Server) clickhousestore.Options {
	t.Helper()
	return clickhousestore.Options{Address: server.Address(), Password: clickhousetest.Password, Database: server.Database(t),
		Journal: filepath.Join(t.TempDir(), "journal.db"), Lag: -1, Deadline: 10 * time.Second}
}

// told returns a page with one batch: a request, an error and its sample.
func told(n uint64) *detector.FeedPage {
	at := first.Add(time.Duration(n) * time.Second)
	s := model.Series{App: "shop", Target: "https://shop.test", Outcome: report.OK, Source: report.SourceAgent, Country: "XA"}
	b := detector.Batch{Received: at, App: "shop", Records: 1,
		Counts:  []model.Count{{Series: s, Client: n + 1, End: at, Raw: 1, Estimated: 1}},
		Rows:    []judgement.Row{{At: at.UnixMilli(), Arrived: at.UnixMilli(), App: s.App, Target: s.Target, Outcome: s.Outcome, Client: n + 1, Raw: 1, Estimated: 1}},
		Samples: []model.Sample{{At: at, App: "shop", Outcome: report.AppPanic, Client: n + 1, Error: model.ApplicationError{Fingerprint: [16]byte{1}, Count: 1}}}}
	binary.BigEndian.PutUint64(b.ID[:], n)
	return &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}
}

// TestServerKilledDuringInsertions: the server is killed at any moment of insertions and started
// again, and in between the store is opened anew; in the end, what was taken is there, once.
func TestServerKilledDuringInsertions(t *testing.T) {
	server := clickhousetest.Start(t)
	o := optionsOf(t, server)
	s, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	random := rand.New(rand.NewPCG(1, 2))
	n := uint64(0)
	add := func() {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			_, err := s.Append(t.Context(), told(n))
			if err == nil {
				n++
				return
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	failures := 0
	for round := range 12 {
		for range 5 {
			add()
		}
		if err := s.Judged(t.Context(), 1<<40); err != nil {
			t.Fatal(err)
		}
		inserted := make(chan error, 1)
		go func() {
			_, err := s.Totals(t.Context(), model.TotalsQuery{}) // it needs all that waits
			inserted <- err
		}()
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
		server.Kill()
		if <-inserted != nil {
			failures++
		}
		server.Restart(t)
		if round%3 == 2 { // the detector ends, too
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = clickhousestore.Open(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	check(t, s, n)
	if failures < 3 {
		t.Errorf("only %d of 12 insertions or queries were hit", failures)
	}
}

// check waits until the store is ready and compares what it has with n batches.
func check(t *testing.T, s *clickhousestore.Events, n uint64) {
	t.Helper()
	ctx := t.Context()
	for end := time.Now().Add(patience); s.Ready(ctx) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(s.Ready(ctx))
		}
		if _, err := s.Batches(ctx, time.Time{}); err != nil {
			t.Log(err)
		}
	}
	if total, err := s.Totals(ctx, model.TotalsQuery{}); err != nil || total[0].OK != float64(n) {
		t.Errorf("totals are %+v, %v; want %d", total, err, n)
	}
	if batches, err := s.Batches(ctx, time.Time{}); err != nil || batches != n {
		t.Errorf("%d batches, %v; want %d", batches, err, n)
	}
	if samples, err := s.Samples(ctx, model.SampleQuery{Limit: 10_000}); err != nil || uint64(len(samples)) != n {
		t.Errorf("%d samples, %v; want %d", len(samples), err, n)
	}
	if causes, err := s.Fingerprints(ctx, model.FingerprintQuery{}); err != nil || len(causes) != 1 || causes[0].Errors != n {
		t.Errorf("causes are %+v, %v; want %d errors", causes, err, n)
	}
	for _, errs := range []bool{false, true} {
		sum := uint64(0)
		rollups, err := s.Rollups(ctx, model.RollupQuery{Step: model.RollupMinute, Errors: errs})
		for _, r := range rollups {
			sum += r.Reports
		}
		if err != nil || sum != n {
			t.Errorf("the rollups (errors: %v) have %d reports, %v; want %d", errs, sum, err, n)
		}
	}
	for i := range n {
		if isNew, err := s.Append(ctx, told(i)); err != nil || isNew[0] {
			t.Fatalf("batch %d is new: %v, %v", i, isNew, err)
		}
	}
}
