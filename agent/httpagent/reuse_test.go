package httpagent_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// TestAbsentAgent: a program whose agent could not be made wraps its transports all the same.
func TestAbsentAgent(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	for _, a := range []*agent.Agent{nil, new(agent.Agent)} {
		client := &http.Client{Transport: httpagent.Wrap(a, newTransport(t, nil))}
		must(t, get(t.Context(), client, s.URL))
		if _, err := client.Post(s.URL, "", io.NopCloser(strings.NewReader("x"))); err != nil {
			t.Error(err)
		}
		if err := get(t.Context(), client, "http://127.0.0.1:1"); err == nil {
			t.Error("port 1 answers")
		}
		client.CloseIdleConnections()
	}
}

// TestRequestAndAnswerAreTheApplications: a request may be used again, and an answer changed, while
// another goroutine still reads the body. With -race this fails if the watcher looks at either.
func TestRequestAndAnswerAreTheApplications(t *testing.T) {
	w := watch(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(rw, strings.Repeat("x", 50_000)) // and then breaks off
	}))
	defer s.Close()
	rt := httpagent.Wrap(w.Agent, newTransport(t, nil))
	for _, traced := range []bool{true, false} {
		req, err := http.NewRequest(http.MethodGet, s.URL+"/first", nil)
		must(t, err)
		req.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		for i := range 20 {
			resp, err := rt.RoundTrip(req)
			must(t, err)
			body := resp.Body
			var group sync.WaitGroup
			group.Go(func() {
				_, _ = io.Copy(io.Discard, body)
				_ = body.Close()
			})
			req.Header.Set("Traceparent", fmt.Sprint(i))
			req.Method = "POST"
			req.URL.Path, req.URL.Host = "/second", "second.example"
			req.URL = &url.URL{Scheme: "https", Host: "third.example"}
			*req = *req.WithContext(context.Background())
			resp.StatusCode, resp.ContentLength, resp.TransferEncoding, resp.ProtoMajor = 599, -1, []string{"chunked"}, 3
			resp.Header, resp.Request, resp.Body = nil, nil, nil
			group.Wait()
			again, err := http.NewRequest(http.MethodGet, s.URL+"/first", nil)
			must(t, err)
			*req = *again
		}
		counters, samples := w.seen(t)
		if len(counters) != 1 || counters[0].Outcome != report.HTTPContentLengthMismatch || counters[0].Target != s.URL || counters[0].Status != 200 || counters[0].Count != 20 {
			t.Errorf("traced %v: counters %+v", traced, counters)
		}
		for _, sample := range samples {
			if sample.URL != s.URL+"/first" || sample.Method != http.MethodGet {
				t.Errorf("sample %+v tells of the next request", sample)
			}
		}
	}
}

// double is a body that does not mind being closed, as test doubles have.
type double struct{ io.Reader }

func (double) Close() error { return nil }

// TestBodiesThatOutliveClose: what the real body does after Close, it does wrapped.
func TestBodiesThatOutliveClose(t *testing.T) {
	w := watch(t)
	bodies := map[string]func() io.ReadCloser{
		"NopCloser": func() io.ReadCloser { return io.NopCloser(strings.NewReader("payload")) },
		"double":    func() io.ReadCloser { return double{strings.NewReader("payload")} },
		"pipe": func() io.ReadCloser {
			r, _ := io.Pipe()
			return r
		},
	}
	for name, body := range bodies {
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body(), Request: r}, nil
		})
		say := func(rt http.RoundTripper) string {
			req, err := http.NewRequest(http.MethodGet, "https://shop.example/", nil)
			must(t, err)
			resp, err := rt.RoundTrip(req)
			must(t, err)
			first := resp.Body.Close()
			b, readErr := io.ReadAll(resp.Body)
			return fmt.Sprintf("%v %q %v %v", first, b, readErr, resp.Body.Close())
		}
		if bare, wrapped := say(base), say(httpagent.Wrap(w.Agent, base)); bare != wrapped {
			t.Errorf("%s: bare %s, wrapped %s", name, bare, wrapped)
		}
	}
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "https://shop.example"); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("counters %+v, want each once", got)
	}
}

// TestErrorsWhoseBodiesNobodyCloses are counted with their heads, and once.
func TestErrorsWhoseBodiesNobodyCloses(t *testing.T) {
	w := watch(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(rw, strings.Repeat("sorry ", 10_000))
	}))
	defer s.Close()
	rt := httpagent.Wrap(w.Agent, newTransport(t, nil))
	var bodies []io.ReadCloser
	for range 5 {
		req, err := http.NewRequest(http.MethodGet, s.URL, nil)
		must(t, err)
		resp, err := rt.RoundTrip(req)
		must(t, err)
		bodies = append(bodies, resp.Body)
	}
	if n := w.Stats().Observed; n != 5 {
		t.Errorf("%d requests observed before a body is read, want 5", n)
	}
	for _, body := range bodies {
		if b, err := io.ReadAll(body); err != nil || len(b) != 60_000 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		must(t, body.Close())
	}
	counters, _ := w.seen(t)
	if got := of(counters, s.URL); len(got) != 1 || got[0].Count != 5 || got[0].Outcome != report.HTTPError {
		t.Errorf("counters %+v, want 5 http.error", got)
	}
}
