package dashboards

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// slowReader answers queries for totals when it is released, and for incidents at once.
type slowReader struct {
	model.Reader
	release   chan struct{}
	now, most atomic.Int64
}

func (s *slowReader) Totals(ctx context.Context, _ model.TotalsQuery) ([]model.Total, error) {
	s.most.Store(max(s.most.Load(), s.now.Add(1)))
	defer s.now.Add(-1)
	select {
	case <-s.release:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *slowReader) Incidents(context.Context, time.Time) ([]model.Incident, error) { return nil, nil }

// Queries that read much take turns and do not delay those that read little.
func TestCostlyQueriesTakeTurns(t *testing.T) {
	reader := &slowReader{release: make(chan struct{})}
	d, err := New(Options{Reader: reader})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://localhost/api/v1"+path, nil)
		d.ServeHTTP(w, r)
		return w.Code
	}
	var wg sync.WaitGroup
	codes := make(chan int, 100)
	for range 100 {
		wg.Go(func() { codes <- get("/totals?since=30d&by=type,app,target,asn,country,server,protocol,status,source") })
	}
	for range 100 - maxWaiting {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Errorf("status %d beyond those that may wait", code)
		}
	}
	if code := get("/incidents"); code != http.StatusOK {
		t.Errorf("incidents: status %d", code)
	}
	close(reader.release)
	wg.Wait()
	for range maxWaiting {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("status %d of one that waited", code)
		}
	}
	if n := reader.most.Load(); n != maxCostly {
		t.Errorf("%d queries ran at one time, want %d", n, maxCostly)
	}
}
