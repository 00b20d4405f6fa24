package httpagent_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// passing is a RoundTripper that others know nothing of.
type passing struct{ next http.RoundTripper }

func (p passing) RoundTrip(req *http.Request) (*http.Response, error) {
	return p.next.RoundTrip(req.Clone(req.Context()))
}

// TestWrappedTwice: one request is counted once, whatever lies between two wrappers for one agent,
// and however often it has been seen before.
func TestWrappedTwice(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			rw.WriteHeader(http.StatusNotFound)
		case "/broken":
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(rw, "body")
	}))
	defer s.Close()
	for name, wrap := range map[string]func(w *watcher) http.RoundTripper{
		"directly": func(w *watcher) http.RoundTripper {
			return httpagent.Wrap(w.Agent, httpagent.Wrap(w.Agent, newTransport(t, nil)))
		},
		"default": func(w *watcher) http.RoundTripper {
			old := http.DefaultTransport
			http.DefaultTransport = httpagent.Wrap(w.Agent, newTransport(t, nil))
			defer func() { http.DefaultTransport = old }()
			return httpagent.Wrap(w.Agent, nil)
		},
		"around another": func(w *watcher) http.RoundTripper {
			inner := httpagent.Wrap(w.Agent, newTransport(t, nil))
			for range 50 { // the inner is calm
				must(t, get(t.Context(), &http.Client{Transport: inner}, s.URL))
			}
			return httpagent.Wrap(w.Agent, passing{inner})
		},
		"three times": func(w *watcher) http.RoundTripper {
			return httpagent.Wrap(w.Agent, passing{httpagent.Wrap(w.Agent, passing{httpagent.Wrap(w.Agent, newTransport(t, nil))})})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			client := &http.Client{Transport: wrap(w)}
			before := w.Stats().Observed
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {}})
			for range 30 {
				must(t, get(t.Context(), client, s.URL))
				must(t, get(ctx, client, s.URL))
				must(t, get(t.Context(), client, s.URL+"/missing"))
				if err := get(t.Context(), client, s.URL+"/broken"); err == nil {
					t.Fatal("no error")
				}
			}
			if n := w.Stats().Observed - before; n != 120 {
				t.Errorf("%d requests observed, want 120", n)
			}
		})
	}
}

// TestWrappedForTwoAgents: each counts for its own.
func TestWrappedForTwoAgents(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	one, two := watch(t), watch(t)
	client := &http.Client{Transport: httpagent.Wrap(one.Agent, httpagent.Wrap(two.Agent, newTransport(t, nil)))}
	for range 40 {
		must(t, get(t.Context(), client, s.URL))
	}
	if a, b := one.Stats().Observed, two.Stats().Observed; a != 40 || b != 40 {
		t.Errorf("%d and %d requests observed, want 40 each", a, b)
	}
}

// retrying sends what was refused once more.
type retrying struct{ next http.RoundTripper }

func (r retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	if resp, err := r.next.RoundTrip(req); err == nil {
		return resp, nil
	}
	return r.next.RoundTrip(req.WithContext(httpagent.Retry(context.WithoutCancel(req.Context()))))
}

// TestRetriesBetweenTwoWrappers are seen as they are.
func TestRetriesBetweenTwoWrappers(t *testing.T) {
	w := watch(t)
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, retrying{httpagent.Wrap(w.Agent, newTransport(t, nil))})}
	if err := get(t.Context(), client, "http://127.0.0.1:1"); err == nil {
		t.Fatal("port 1 answers")
	}
	counters, _ := w.seen(t)
	if len(counters) != 2 || counters[0].Count != 1 || counters[1].Count != 1 || counters[0].Flags|counters[1].Flags != report.FlagRetry {
		t.Errorf("counters %+v, want one request and its retry", counters)
	}
}
