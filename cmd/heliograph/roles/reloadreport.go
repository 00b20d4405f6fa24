package roles

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/ops"
)

// reloadReport logs and counts reloads, and remembers those that failed last. It is safe for
// concurrent use.
type reloadReport struct {
	log     *slog.Logger
	total   *prometheus.CounterVec // what, result
	success *prometheus.GaugeVec   // what
	last    *prometheus.GaugeVec   // what

	mu     sync.Mutex
	failed map[string]error // guarded by mu; by what
}

func newReloadReport(log *slog.Logger, metrics prometheus.Registerer) *reloadReport {
	const prefix = "heliograph_reload"
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, []string{"what"})
	}
	r := &reloadReport{log: log, failed: map[string]error{},
		total: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "s_total",
			Help: "Reloads of a part of the process, by result: ok or failed."}, []string{"what", "result"}),
		success: gauge("_last_successful", "1 if the last reload of a part succeeded, 0 if it failed and what was loaded before is in use."),
		last:    gauge("_last_success_timestamp_seconds", "When a part was last loaded, at the start or by a reload."),
	}
	metrics.MustRegister(r.total, r.success, r.last)
	return r
}

// loaded records that a part was loaded at the start.
func (r *reloadReport) loaded(what string) {
	r.success.WithLabelValues(what).Set(1)
	r.last.WithLabelValues(what).Set(float64(time.Now().UnixMilli()) / 1000)
}

// tell reports a reload. says describes, as arguments of a log line, what is loaded now.
func (r *reloadReport) tell(what string, says []any, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failed[what] = err
		r.total.WithLabelValues(what, "failed").Inc()
		r.success.WithLabelValues(what).Set(0)
		r.log.Error("reloading failed; what was loaded before stays in use", "what", what, "error", err)
		return
	}
	delete(r.failed, what)
	r.total.WithLabelValues(what, "ok").Inc()
	r.loaded(what)
	r.log.Info("reloaded", append([]any{"what", what}, says...)...)
}

// check returns a warning about the parts whose last reload failed.
func (r *reloadReport) check(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.failed) == 0 {
		return nil
	}
	var faults []string
	for _, what := range slices.Sorted(maps.Keys(r.failed)) {
		faults = append(faults, fmt.Sprintf("%s: %v", what, r.failed[what]))
	}
	return ops.Warning("reloading failed and what was loaded before is in use; mend it and reload: " + strings.Join(faults, "; "))
}
