// Package ops serves what operators and their tools ask of any role: liveness, readiness, metrics and profiles.
package ops

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check says whether one part can work; its error is shown to operators and must name no client.
type Check func(context.Context) error

// Handler answers GET /health/live (the process runs, nothing else), /health/ready (every check passes: 200, else 503; the body
// names each check and its fault as JSON), /metrics (Prometheus) and /debug/pprof/. A check has two seconds.
func Handler(metrics prometheus.Gatherer, checks map[string]Check) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"live"}` + "\n"))
	})
	m.HandleFunc("GET /health/ready", func(w http.ResponseWriter, r *http.Request) { ready(w, r, checks) })
	m.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{Timeout: 10 * time.Second, MaxRequestsInFlight: 4}))
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	m.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return m
}

func ready(w http.ResponseWriter, r *http.Request, checks map[string]Check) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	answer := struct {
		Status string            `json:"status"`
		Checks map[string]string `json:"checks"`
	}{"ready", make(map[string]string, len(checks))}
	code := http.StatusOK
	for name, check := range checks {
		answer.Checks[name] = "ok"
		if err := check(ctx); err != nil {
			answer.Status, answer.Checks[name], code = "not ready", err.Error(), http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer)
}
