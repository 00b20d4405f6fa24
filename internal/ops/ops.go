// Package ops serves liveness, readiness, metrics and profiles of any role to operators. Start with
// [Handler].
package ops

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// Check returns nil if one part of the process can work. Its error is shown to operators and must
// not name a client.
type Check func(context.Context) error

// Warning is the error of a [Check] for a part that works but will need attention. It is shown, and
// the process stays ready.
type Warning string

func (w Warning) Error() string { return string(w) }

// Handler returns a handler for these paths:
//
//   - GET /health/live answers 200 as long as the process runs.
//   - GET /health/ready answers 200 if every check passes within two seconds, and otherwise 503.
//     The body is JSON that names each check and its fault.
//   - GET /metrics has the metrics for Prometheus.
//   - GET /debug/pprof/ has profiles.
//   - GET and PUT /log/level show and change the level of the log (debug, info, warn, error) until
//     the process ends. The path does not exist if level is nil.
//
// hosts are further host names that requests may use; see [httpx.Hosts].
func Handler(metrics prometheus.Gatherer, checks map[string]Check, level *slog.LevelVar, hosts ...string) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) {
		_ = httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "live"})
	})
	m.HandleFunc("GET /health/ready", func(w http.ResponseWriter, r *http.Request) { ready(w, r, checks) })
	m.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{Timeout: 10 * time.Second, MaxRequestsInFlight: 4, EnableOpenMetrics: true}))
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	m.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	if level != nil {
		m.HandleFunc("GET /log/level", func(w http.ResponseWriter, _ *http.Request) { writeLevel(w, level) })
		m.HandleFunc("PUT /log/level", func(w http.ResponseWriter, r *http.Request) { putLevel(w, r, level) })
	}
	// another site must not be able to read or change it through an operator's browser
	return httpx.Hosts(hosts).Guard(http.NewCrossOriginProtection().Handler(m))
}

const maxLevel = 16 // bytes of a level's name

func putLevel(w http.ResponseWriter, r *http.Request, level *slog.LevelVar) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLevel))
	var next slog.Level
	if err == nil {
		err = next.UnmarshalText(bytes.TrimSpace(text))
	}
	if err != nil {
		http.Error(w, "body must be debug, info, warn or error", http.StatusBadRequest)
		return
	}
	level.Set(next)
	writeLevel(w, level)
}

func writeLevel(w http.ResponseWriter, level *slog.LevelVar) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(strings.ToLower(level.Level().String()) + "\n"))
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
		err := check(ctx)
		if warning, ok := errors.AsType[Warning](err); ok {
			answer.Checks[name] = "warning: " + string(warning)
		} else if err != nil {
			answer.Status, answer.Checks[name], code = "not ready", err.Error(), http.StatusServiceUnavailable
		}
	}
	_ = httpx.WriteJSON(w, code, answer) // strings can be encoded
}
