package ops

import (
	"context"
	"errors"
	"io"
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
	}))
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
