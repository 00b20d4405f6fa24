package otlp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// server is an OpenTelemetry Collector as far as a client sees it.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []string // path and first header of each request, and its body
	answer func(n int, w http.ResponseWriter)
}

func newServer(t *testing.T, answer func(n int, w http.ResponseWriter)) *server {
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, r.URL.Path+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("X-Tenant")+" "+string(body))
		if s.answer != nil {
			s.answer(len(s.seen), w)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// start runs an exporter. stop ends it and waits.
func start(t *testing.T, o Options) (e *Exporter, stop func()) {
	t.Helper()
	o.every = 5 * time.Millisecond
	o.Metrics = prometheus.NewRegistry()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return e, stop
}

// await waits for a state.
func await(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !reached(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s", what)
		}
	}
}

func (e *Exporter) sentOf(signal string) float64 { return valueOf(e.sent, signal) }

func (e *Exporter) droppedOf(signal, reason string) float64 {
	return valueOf(e.dropped, reason, signal)
}

// valueOf returns the value of the counter with these values of its labels, which are sorted
// by name.
func valueOf(v *prometheus.CounterVec, labels ...string) (sum float64) {
	r := prometheus.NewRegistry()
	r.MustRegister(v)
	families, err := r.Gather()
	if err != nil || len(families) == 0 {
		return 0
	}
	for _, m := range families[0].GetMetric() {
		var values []string
		for _, l := range m.GetLabel() {
			values = append(values, l.GetValue())
		}
		if slices.Equal(values, labels) {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}

var someSpan = Span{Trace: TraceID{1}, ID: SpanID{2}, Name: "s", Kind: Internal, Start: time.Unix(1, 0), End: time.Unix(2, 0)}

func TestEachSignalIsSentToItsPath(t *testing.T) {
	s := newServer(t, nil)
	e, stop := start(t, Options{Endpoint: s.URL + "/", Headers: map[string]string{"x-tenant": "shop"}, Interval: 5 * time.Millisecond,
		Collect: func(context.Context) []Metric { return []Metric{{Name: "m", Points: []Point{{Time: time.Unix(1, 0)}}}} }})
	e.Span(someSpan)
	e.Log(Log{Body: "l"})
	await(t, "all signals", func() bool { return e.sentOf(traces) == 1 && e.sentOf(logs) == 1 && e.sentOf(metrics) > 0 })
	stop()
	paths := map[string]bool{}
	for _, r := range s.requests() {
		path, rest, _ := strings.Cut(r, " ")
		paths[path] = true
		body := strings.TrimPrefix(rest, "application/json shop ")
		if !json.Valid([]byte(body)) {
			t.Errorf("request %q", r)
		}
	}
	if len(paths) != 3 || !paths["/v1/traces"] || !paths["/v1/logs"] || !paths["/v1/metrics"] {
		t.Errorf("paths %v", paths)
	}
}

// What a full queue cannot take is dropped and counted. Nothing waits for it.
func TestQueuesAreBounded(t *testing.T) {
	e, err := New(Options{Endpoint: "http://127.0.0.1:9"})
	if err != nil {
		t.Fatal(err)
	}
	for range maxQueue + 3 {
		e.Span(someSpan)
		e.Log(Log{})
	}
	if len(e.spans) != maxQueue || len(e.logs) != maxQueue || e.droppedOf(traces, dropQueue) != 3 || e.droppedOf(logs, dropQueue) != 3 {
		t.Errorf("%d spans and %d records wait", len(e.spans), len(e.logs))
	}
}

func TestFailuresAreTriedAgainOrCounted(t *testing.T) {
	status := func(codes ...int) func(int, http.ResponseWriter) {
		return func(n int, w http.ResponseWriter) {
			if n <= len(codes) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(codes[n-1])
			}
		}
	}
	for name, c := range map[string]struct {
		answer        func(int, http.ResponseWriter)
		sent, refused float64
		requests      int
	}{
		"at once":         {status(), 2, 0, 1},
		"busy":            {status(503, 429), 2, 0, 3},
		"refused":         {status(400), 0, 2, 1},
		"not there":       {status(404), 0, 2, 1},
		"elsewhere":       {status(307), 0, 2, 1},
		"partly":          {func(_ int, w http.ResponseWriter) { fmt.Fprint(w, `{"partialSuccess":{"rejectedSpans":"1"}}`) }, 1, 1, 1},
		"nonsense":        {func(_ int, w http.ResponseWriter) { fmt.Fprint(w, `<html>`) }, 2, 0, 1},
		"more than there": {func(_ int, w http.ResponseWriter) { fmt.Fprint(w, `{"partialSuccess":{"rejectedSpans":9}}`) }, 0, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, c.answer)
			e, err := New(Options{Endpoint: s.URL, Share: 1})
			if err != nil {
				t.Fatal(err)
			}
			e.Span(someSpan)
			e.Span(someSpan)
			e.flush(t.Context())
			if e.sentOf(traces) != c.sent || e.droppedOf(traces, dropRefused) != c.refused || len(s.requests()) != c.requests {
				t.Errorf("%v sent, %v refused, %d requests", e.sentOf(traces), e.droppedOf(traces, dropRefused), len(s.requests()))
			}
		})
	}
}

// The end of the process waits for nobody who does not answer.
func TestTheEndDropsWhatCannotBeDelivered(t *testing.T) {
	e, stop := start(t, Options{Endpoint: "http://127.0.0.1:9"})
	e.Span(someSpan)
	await(t, "a failed attempt", func() bool { e.mu.Lock(); defer e.mu.Unlock(); return len(e.spans) == 0 })
	stop()
	if n := e.droppedOf(traces, dropUndelivered); n != 1 {
		t.Errorf("%v dropped", n)
	}
}

// What waits at the end is sent.
func TestTheEndSendsWhatWaits(t *testing.T) {
	s := newServer(t, nil)
	e, err := New(Options{Endpoint: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	e.Span(someSpan)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Run(ctx); err != nil || e.sentOf(traces) != 1 {
		t.Errorf("%v sent, %v", e.sentOf(traces), err)
	}
}

func TestSampled(t *testing.T) {
	for share, want := range map[float64]int{0: 0, 0.25: 256, 1: 1024} {
		e, err := New(Options{Endpoint: "http://127.0.0.1:9", Share: share})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for i := range 1024 { // evenly over the 56 bits
			n := uint64(i) << 46
			id := TraceID{0xff, 8: 0xff}
			for b := range 7 {
				id[15-b] = byte(n >> (8 * b))
			}
			if e.Sampled(id) {
				got++
			}
		}
		if got != want {
			t.Errorf("share %v: %d of 1024", share, got)
		}
	}
	var none *Exporter
	none.Span(Span{})
	none.Log(Log{})
	if none.Sampled(TraceID{}) {
		t.Error("nobody samples")
	}
}

func TestOptionsHaveTheirFaults(t *testing.T) {
	for name, o := range map[string]Options{
		"no endpoint":    {},
		"another scheme": {Endpoint: "grpc://127.0.0.1:4317"},
		"a path":         {Endpoint: "http://127.0.0.1:4318/v1/traces"},
		"a user":         {Endpoint: "http://u:p@127.0.0.1:4318"},
		"share":          {Endpoint: "http://127.0.0.1:4318", Share: 2},
		"header":         {Endpoint: "http://127.0.0.1:4318", Headers: map[string]string{"a b": "c"}},
		"value":          {Endpoint: "http://127.0.0.1:4318", Headers: map[string]string{"a": "hidden\nb"}},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
