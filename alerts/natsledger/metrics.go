package natsledger

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/metricset"
)

// metrics are those of one ledger.
type metrics struct {
	reached  prometheus.Gauge
	faults   *prometheus.GaugeVec // by standing: own, other
	decided  *prometheus.CounterVec
	troubles prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	prefix := "heliograph_ledger_"
	m := &metrics{
		reached: prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + "reached", Help: "1 if the ledger of faults could be reached."}),
		faults: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "faults",
			Help: "Faults that this detector sees, by who tells of them: own, this one; other, another one."}, []string{"standing"}),
		decided: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "decisions_total",
			Help: "Faults as they were settled: claimed, by this detector; elsewhere, so that nobody is told twice; adopted, from a detector that is gone; apart, told by both while the ledger could not be reached."},
			[]string{"what"}),
		troubles: prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + "troubles_total", Help: "Attempts to reach the ledger, or to change it, that failed."}),
	}
	for _, what := range []string{"claimed", "elsewhere", "adopted", "apart"} {
		m.decided.WithLabelValues(what)
	}
	for _, standing := range []string{"own", "other"} {
		m.faults.WithLabelValues(standing)
	}
	_, err := metricset.Set{m.reached, m.faults, m.decided, m.troubles}.Register(r)
	return m, err
}

func (m *metrics) count(o outcome) {
	m.decided.WithLabelValues("claimed").Add(float64(o.claimed))
	m.decided.WithLabelValues("elsewhere").Add(float64(o.elsewhere))
	m.decided.WithLabelValues("adopted").Add(float64(o.adopted))
	m.decided.WithLabelValues("apart").Add(float64(o.apart))
}
