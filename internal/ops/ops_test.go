package ops

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestEndpoints(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "heliograph_test_total"}, func() float64 { return 7 }))
	full := errors.New("disk is full")
	var inbox error
	srv := httptest.NewServer(Handler(reg, map[string]Check{
		"inbox": func(context.Context) error { return inbox },
		"store": func(context.Context) error { return nil },
	}, nil))
	defer srv.Close()
	get := func(path string) (int, string) {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	for _, tt := range []struct {
		path  string
		inbox error
		code  int
		want  string
	}{
		{"/health/live", full, 200, "live"},
		{"/health/ready", nil, 200, `"inbox":"ok"`},
		{"/health/ready", full, 503, `"inbox":"disk is full"`},
		{"/metrics", nil, 200, "heliograph_test_total 7"},
		{"/debug/pprof/", nil, 200, "goroutine"},
	} {
		inbox = tt.inbox
		if code, body := get(tt.path); code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s with inbox %v: %d %q, want %d with %q", tt.path, tt.inbox, code, body, tt.code, tt.want)
		}
	}
}

func TestWarningIsShownAndReady(t *testing.T) {
	h := Handler(prometheus.NewRegistry(), map[string]Check{"inbox": func(context.Context) error { return Warning("full in 3 hours") }}, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/health/ready", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "warning: full in 3 hours") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestLogLevelChangesAtRunTime(t *testing.T) {
	level := new(slog.LevelVar)
	h := Handler(prometheus.NewRegistry(), nil, level)
	do := func(method, body, site string) (int, string) {
		req := httptest.NewRequest(method, "http://localhost/log/level", strings.NewReader(body))
		if site != "" {
			req.Header.Set("Sec-Fetch-Site", site)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if code, body := do("GET", "", ""); code != 200 || body != "info" {
		t.Errorf("%d %q", code, body)
	}
	if code, body := do("PUT", "debug\n", ""); code != 200 || body != "debug" || level.Level() != slog.LevelDebug {
		t.Errorf("%d %q, level %v", code, body, level)
	}
	for _, bad := range []string{"", "loud", strings.Repeat("x", 1000)} {
		if code, _ := do("PUT", bad, ""); code != 400 || level.Level() != slog.LevelDebug {
			t.Errorf("PUT %.10q: %d, level %v", bad, code, level)
		}
	}
	if code, _ := do("PUT", "error", "cross-site"); code != 403 || level.Level() != slog.LevelDebug {
		t.Errorf("another site's page: %d, level %v", code, level)
	}
}

// A name of another site that suddenly points here reads and changes nothing.
func TestForeignHostNamesAreRefused(t *testing.T) {
	level := new(slog.LevelVar)
	srv := httptest.NewServer(Handler(prometheus.NewRegistry(), nil, level, "ops.example"))
	defer srv.Close()
	do := func(method, path, host string) int {
		t.Helper()
		req, err := http.NewRequest(method, srv.URL+path, strings.NewReader("debug"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, path := range []string{"/health/live", "/health/ready", "/metrics", "/debug/pprof/heap", "/log/level"} {
		if code := do("GET", path, "evil.example:8419"); code != http.StatusMisdirectedRequest {
			t.Errorf("GET %s of a foreign name: %d", path, code)
		}
		for _, host := range []string{"", "localhost:8419", "ops.example:8419"} {
			if code := do("GET", path, host); code != http.StatusOK {
				t.Errorf("GET %s of %q: %d", path, host, code)
			}
		}
	}
	if code := do("PUT", "/log/level", "evil.example:8419"); code != http.StatusMisdirectedRequest || level.Level() != slog.LevelInfo {
		t.Errorf("PUT: %d, level %v", code, level)
	}
}
