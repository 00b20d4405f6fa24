package sweep

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/metricset"
)

// metrics are the metrics of a Sweeper.
type metrics struct {
	ok, failed, inconclusive, doubted prometheus.Counter
	rounds                            prometheus.Counter
	took                              prometheus.Gauge
}

// newMetrics registers all metrics, or none if it fails. registry may be nil.
func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "heliograph_sweep_attempts_total",
		Help: "Attempts made, by how they ended: ok, failed, or inconclusive, which says nothing about the server.",
	}, []string{"end"})
	m := &metrics{ok: attempts.WithLabelValues("ok"), failed: attempts.WithLabelValues("failed"), inconclusive: attempts.WithLabelValues("inconclusive"),
		doubted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "heliograph_sweep_doubted_attempts_total",
			Help: "Attempts that did not count, because they were inconclusive or no witness answered.",
		}),
		rounds: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_sweep_rounds_total", Help: "Rounds that were completed."}),
		took: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "heliograph_sweep_round_seconds",
			Help: "How long the last round took; more than prober.sweep.round if rate or concurrency is too low for the fleet.",
		})}
	if _, err := (metricset.Set{attempts, m.doubted, m.rounds, m.took}).Register(registry); err != nil {
		return nil, fmt.Errorf("register the sweep's metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) attempt(f *finding) {
	switch {
	case f.err != nil:
		m.inconclusive.Inc()
	case f.failed():
		m.failed.Inc()
	default:
		m.ok.Inc()
	}
}

func (m *metrics) doubt() { m.doubted.Inc() }

func (m *metrics) round(took time.Duration) {
	m.rounds.Inc()
	m.took.Set(took.Seconds())
}
