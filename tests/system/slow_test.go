package system

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// How long requests took reaches the objectives: a server that answers two requests of ten late
// has spent its budget for that, and has not failed.
func TestSlowAnswersSpendTheBudget(t *testing.T) {
	const limit, late = 2 * time.Second, 2200 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/late":
			time.Sleep(late)
		case "/none":
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	s := newSite(t, fmt.Sprintf("detector: {objectives: [{target: %q, share: 0.9}, {target: %[1]q, share: 0.99, within: %v}]}\n", server.URL, limit))
	p := s.start("up", "--data", s.dir)
	ask(t, s, server.URL)
	s.wantFailed("http.error", 1)
	// objectives are read at the start, and every 30 s
	p.stop()
	s.start("up", "--data", s.dir)

	type objective struct {
		Requests, Failed float64
		BudgetLeft       float64 `json:"budget_left"`
		WithinMS         float64 `json:"within_ms"`
		P50MS            float64 `json:"p50_ms"`
		P99MS            float64 `json:"p99_ms"`
	}
	var all []objective
	s.eventually("two objectives with requests", func() error {
		all = nil
		b, err := s.get("http://" + s.dashboard + "/api/v1/objectives")
		if err == nil {
			err = json.Unmarshal(b, &all)
		}
		if err == nil && (len(all) != 2 || all[0].Requests != 11 || all[1].Requests != 10) {
			err = fmt.Errorf("got %s", b)
		}
		return err
	})
	success, speed := all[0], all[1]
	if success.WithinMS != 0 || success.Failed != 1 || success.P50MS != 0 {
		t.Errorf("success: %+v", success)
	}
	if speed.WithinMS != 2000 || speed.Failed != 2 || speed.BudgetLeft > -18.9 || speed.P50MS > 2000 || speed.P99MS < 2100 {
		t.Errorf("speed: %+v", speed)
	}
}

// ask makes eight requests that are answered at once, two that are answered late, and one that
// fails, so that the window is sent for certain.
func ask(t *testing.T, s *site, url string) {
	t.Helper()
	policy, err := os.ReadFile(s.policy())
	if err != nil {
		t.Fatal(err)
	}
	spool, err := diskspool.Open(filepath.Join(t.TempDir(), "spool"), diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Options{App: "shop", Policy: policy, Consent: report.Counts, Spool: spool, Transport: httpagent.NewTransport(httpagent.TransportOptions{})})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: httpagent.Wrap(a, nil)}
	for _, path := range []string{"/", "/", "/", "/late", "/", "/none", "/", "/", "/late", "/", "/"} {
		resp, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := a.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}
