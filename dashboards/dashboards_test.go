package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
)

// fakeReader is a Reader whose answers are set by the test.
type fakeReader struct {
	model.Reader // nil; panics on queries that the dashboard should not make

	mu        sync.Mutex // guards everything below
	totals    []model.Total
	delivery  []model.Total
	samples   []model.Sample
	incidents []model.Incident
	reach     []model.Reach
	curve     []model.CurvePoint
	rollups   []model.Rollup
	servers   []model.ServerCount
	probes    []model.ProbeResult
	err       error
	takes     time.Duration // how long each answer takes
	calls     int
	asked     []any
}

// answer records a query and returns the error to answer with.
func (f *fakeReader) answer(ctx context.Context, query any) error {
	f.mu.Lock()
	f.calls++
	f.asked = append(f.asked, query)
	takes, err := f.takes, f.err
	f.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// set changes the answers.
func (f *fakeReader) set(change func(*fakeReader)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeReader) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeReader) lastQuery() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[len(f.asked)-1]
}

func (f *fakeReader) Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error) {
	err := f.answer(ctx, q)
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.Delivery {
		return f.delivery, err
	}
	return f.totals, err
}

func (f *fakeReader) Samples(ctx context.Context, q model.SampleQuery) ([]model.Sample, error) {
	err := f.answer(ctx, q)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.samples, err
}

func (f *fakeReader) Incidents(ctx context.Context, since time.Time) ([]model.Incident, error) {
	err := f.answer(ctx, since)
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.incidents), err
}

func (f *fakeReader) Reachability(ctx context.Context, q model.ReachQuery) ([]model.Reach, error) {
	return f.reach, f.answer(ctx, q)
}

func (f *fakeReader) Curve(ctx context.Context, q model.CurveQuery) ([]model.CurvePoint, error) {
	err := f.answer(ctx, q)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.curve, err
}

func (f *fakeReader) Rollups(ctx context.Context, q model.RollupQuery) ([]model.Rollup, error) {
	err := f.answer(ctx, q)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rollups, err
}

func (f *fakeReader) Servers(ctx context.Context, since time.Time) ([]model.ServerCount, error) {
	return f.servers, f.answer(ctx, since)
}

func (f *fakeReader) ProbeResults(ctx context.Context, q model.ProbeQuery) ([]model.ProbeResult, error) {
	return f.probes, f.answer(ctx, q)
}

// run runs a dashboard until end is called, which waits for it and may be called again.
func run(t *testing.T, d *Dashboard) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// serve runs a dashboard on a real loopback listener until the test ends.
func serve(t *testing.T, o Options) (d *Dashboard, address string) {
	t.Helper()
	d, address, _ = serveUntil(t, o)
	return d, address
}

// serveUntil is like serve and also returns a function that ends the dashboard but not
// its listener.
func serveUntil(t *testing.T, o Options) (d *Dashboard, address string, end func()) {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d)
	end = run(t, d)
	t.Cleanup(func() {
		end()
		server.Close()
	})
	return d, server.URL, end
}

// fetch gets a URL and returns the answer with its body read.
func fetch(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// wantJSON gets a URL and compares the JSON, ignoring white space.
func wantJSON(t *testing.T, url, want string) *http.Response {
	t.Helper()
	resp, body := fetch(t, url)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("GET %s: %s %s", url, resp.Status, resp.Header.Get("Content-Type"))
	}
	if got, want := compact(t, string(body)), compact(t, want); got != want {
		t.Errorf("GET %s\n got %s\nwant %s", url, got, want)
	}
	return resp
}

func compact(t *testing.T, s string) string {
	t.Helper()
	var out strings.Builder
	var v json.RawMessage
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	return out.String()
}

// fleet returns a map of n servers, all unknown, in two data centres with clusters of rows of five.
func fleet(t *testing.T, n int) *heatmap.Map {
	t.Helper()
	servers := make([]heatmap.Server, n)
	for i := range servers {
		servers[i] = heatmap.Server{
			Name: "web-" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Address: "192.0.2." + string(rune('1'+i%9)) + ":443",
			DataCentre: []string{"fra", "ams"}[min(i/10, 1)], Cluster: "c1", Row: []string{"r1", "r2"}[i/5%2],
		}
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		t.Fatal(err)
	}
	return heatmap.NewMap(topology)
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Options{Window: time.Hour, Retention: time.Minute, Step: time.Millisecond, MaxStreams: -1, Hosts: []string{"https://a"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Reader", "Window", "Step", "MaxStreams", "Hosts"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}

func TestErrorsAreMappedInOnePlace(t *testing.T) {
	cases := []struct {
		name   string
		err    error
		status int
		logged bool
	}{
		{"bad query", model.ErrQuery, http.StatusBadRequest, false},
		{"costly query", fmt.Errorf("reading totals: %w", &model.CostError{Of: "sums", Most: 9}), http.StatusBadRequest, false},
		{"too slow", context.DeadlineExceeded, http.StatusServiceUnavailable, true},
		{"anything else", io.ErrUnexpectedEOF, http.StatusInternalServerError, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			_, url := serve(t, Options{Reader: &fakeReader{err: c.err}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			resp, body := fetch(t, url+"/api/v1/reports?target=https://private.example")
			if resp.StatusCode != c.status {
				t.Errorf("%s, want %d", resp.Status, c.status)
			}
			var p api.Problem
			if err := json.Unmarshal(body, &p); err != nil || p.Error == "" {
				t.Errorf("body %q: %v", body, err)
			}
			if strings.Contains(string(body), "EOF") {
				t.Errorf("the answer tells internals: %s", body)
			}
			if got := log.Len() > 0; got != c.logged {
				t.Errorf("logged %t, want %t: %s", got, c.logged, log.String())
			}
			if strings.Contains(log.String(), "private") || strings.Contains(log.String(), "127.0.0.1") {
				t.Errorf("the log holds a query or an address: %s", log.String())
			}
		})
	}
}
