package httpagent_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// hops redirects n times and then answers.
func hops(n int) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if i, _ := strconv.Atoi(r.URL.Query().Get("hop")); i < n {
			http.Redirect(rw, r, "/?hop="+strconv.Itoa(i+1), http.StatusFound)
		}
	}
}

// TestRedirectsThatAreFollowed are no loop, however many the client allows; one that gives up is,
// after as many as it allows.
func TestRedirectsThatAreFollowed(t *testing.T) {
	errEnough := errors.New("enough")
	upTo := func(n int) func(*http.Request, []*http.Request) error {
		return func(_ *http.Request, via []*http.Request) error {
			if len(via) >= n {
				return errEnough
			}
			return nil
		}
	}
	for name, test := range map[string]struct {
		hops      int
		check     func(*http.Request, []*http.Request) error
		ok, loops uint64
	}{
		"nine by default":    {hops: 9, ok: 10},
		"ten by default":     {hops: 10, ok: 9, loops: 1},
		"twelve allowed":     {hops: 12, check: upTo(20), ok: 13},
		"thirty allowed":     {hops: 25, check: upTo(30), ok: 26},
		"gives up at twenty": {hops: 100, check: upTo(20), ok: 19, loops: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			s := httptest.NewServer(hops(test.hops))
			defer s.Close()
			client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil)), CheckRedirect: test.check}
			err := get(t.Context(), client, s.URL)
			if (err != nil) != (test.loops > 0) {
				t.Errorf("the client says %v", err)
			}
			spoil(w)
			counters, _ := w.seen(t)
			got := map[report.Outcome]uint64{}
			for _, c := range of(counters, s.URL) {
				got[c.Outcome] += c.Count
			}
			if got[report.OK] != test.ok || got[report.HTTPRedirectLoop] != test.loops || w.Stats().Observed != test.ok+test.loops+1 {
				t.Errorf("counted %v, want %d ok and %d loops", got, test.ok, test.loops)
			}
		})
	}
}

// TestLoopBeforeShutdown: what is known last is counted, too, and not twice.
func TestLoopBeforeShutdown(t *testing.T) {
	w := watch(t)
	s := httptest.NewServer(hops(1000))
	defer s.Close()
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	for range 40 { // more than wait at a time
		if err := get(t.Context(), client, s.URL); err == nil {
			t.Fatal("no loop")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, w.Shutdown(ctx))
	if n := w.Stats().Observed; n != 400 {
		t.Errorf("%d requests observed, want 400", n)
	}
	counters, _ := w.seen(t)
	var loops uint64
	for _, c := range counters {
		if c.Outcome == report.HTTPRedirectLoop {
			loops += c.Count
		}
	}
	if loops != 40 {
		t.Errorf("%d loops of 40: %+v", loops, counters)
	}
}
