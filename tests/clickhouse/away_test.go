package clickhouse

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
)

// TestServerAwayAtTheStart: a store takes reports into its journal although the server is away when
// it is opened, as many as there may be, says so, and inserts all of them, once, when it is back.
func TestServerAwayAtTheStart(t *testing.T) {
	server := clickhousetest.Start(t)
	o := optionsOf(t, server)
	o.MaxWaiting = 64 << 10
	server.Kill()
	s, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	if err := s.Ready(t.Context()); !errors.Is(err, model.ErrAway) || !strings.Contains(err.Error(), "bytes of reports wait in the journal") {
		t.Errorf("ready: %v", err)
	}
	n := uint64(0)
	for ; ; n++ {
		isNew, err := s.Append(t.Context(), told(n))
		if err != nil {
			if !strings.Contains(err.Error(), "which is the limit") {
				t.Fatal(err)
			}
			break
		}
		if !isNew[0] {
			t.Fatalf("batch %d is known", n)
		}
	}
	if n < 10 {
		t.Fatalf("only %d batches were taken", n)
	}
	if _, err := s.Totals(t.Context(), model.TotalsQuery{}); !errors.Is(err, model.ErrAway) {
		t.Errorf("totals: %v", err)
	}
	if pages, _, err := s.Unjudged(t.Context(), 0); err != nil || uint64(len(pages)) != n {
		t.Errorf("%d pages to be judged, %v; want %d", len(pages), err, n)
	}
	if err := s.Judged(t.Context(), 1<<40); err != nil {
		t.Error(err)
	}
	if err := s.Forget(t.Context(), []uint64{3}); err != nil { // of batch 2
		t.Error(err)
	}
	if err := s.Close(); err != nil { // the detector ends, too, before the server is back
		t.Fatal(err)
	}
	o.MaxWaiting = 0
	if s, err = clickhousestore.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if isNew, err := s.Append(t.Context(), told(1)); err != nil || isNew[0] {
		t.Errorf("a batch that waits is new: %v, %v", isNew, err)
	}
	server.Restart(t)
	awaitReady(t, s)
	samples, err := s.Samples(t.Context(), model.SampleQuery{Limit: 10_000})
	if err != nil || uint64(len(samples)) != n-1 {
		t.Errorf("%d samples, %v; want %d and none of the client who withdrew", len(samples), err, n-1)
	}
	if total, err := s.Totals(t.Context(), model.TotalsQuery{}); err != nil || total[0].OK != float64(n) {
		t.Errorf("totals are %+v, %v; want %d", total, err, n)
	}
	if batches, err := s.Batches(t.Context(), time.Time{}); err != nil || batches != n {
		t.Errorf("%d batches, %v; want %d", batches, err, n)
	}
	for i := range n {
		if isNew, err := s.Append(t.Context(), told(i)); err != nil || isNew[0] {
			t.Fatalf("batch %d is new: %v, %v", i, isNew, err)
		}
	}
}

// awaitReady waits until a store is ready.
func awaitReady(t *testing.T, s *clickhousestore.Events) {
	t.Helper()
	for end := time.Now().Add(patience); s.Ready(t.Context()) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(s.Ready(t.Context()))
		}
		if _, err := s.Batches(t.Context(), time.Time{}); err != nil {
			t.Log(err)
		}
	}
}

// TestRepeatedWhileAway: batches that ClickHouse has, and a new journal does not know, are
// recognised when the server is back.
func TestRepeatedWhileAway(t *testing.T) {
	server := clickhousetest.Start(t)
	o := optionsOf(t, server)
	s, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5) {
		if _, err := s.Append(t.Context(), told(n)); err != nil {
			t.Fatal(err)
		}
	}
	awaitReady(t, s)
	// it needs all that waits
	if _, err := s.Cells(t.Context(), time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	o.Journal = filepath.Join(t.TempDir(), "new.db")
	if s, err = clickhousestore.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := range uint64(10) {
		if isNew, err := s.Append(t.Context(), told(n)); err != nil || !isNew[0] {
			t.Fatalf("batch %d: new is %v, %v", n, isNew, err)
		}
	}
	server.Restart(t)
	awaitReady(t, s)
	if total, err := s.Totals(t.Context(), model.TotalsQuery{}); err != nil || total[0].OK != 10 {
		t.Errorf("totals are %+v, %v; want 10", total, err)
	}
	if samples, err := s.Samples(t.Context(), model.SampleQuery{Limit: 100}); err != nil || len(samples) != 10 {
		t.Errorf("%d samples, %v; want 10", len(samples), err)
	}
	if batches, err := s.Batches(t.Context(), time.Time{}); err != nil || batches != 10 {
		t.Errorf("%d batches, %v; want 10", batches, err)
	}
}
