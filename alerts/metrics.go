package alerts

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the metrics of a Notifier. The names of receivers come from the operator's
// configuration, so they are safe as labels.
type metrics struct {
	deliveries *prometheus.CounterVec // by receiver and result: ok, failed or refused
	troubles   *prometheus.CounterVec // by where they occurred
	dropped    prometheus.Counter
	firing     prometheus.Gauge
	muted      prometheus.Gauge
	alone      prometheus.Counter
	unended    *prometheus.GaugeVec // by receiver
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	name := func(s string) string { return "heliograph_alerts_" + s }
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("deliveries_total"),
			Help: "Attempts to deliver a message, by what became of them: ok, failed or refused."}, []string{"receiver", "result"}),
		troubles: prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("troubles_total"),
			Help: "Operations that failed and are tried again."}, []string{"where"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: name("dropped_messages_total"),
			Help: "Messages given up because their receiver refused them again and again."}),
		alone: prometheus.NewCounter(prometheus.CounterOpts{Name: name("told_alone_total"),
			Help: "Incidents that receivers were told of because the ledger of faults did not answer in time; another detector may tell of them, too."}),
		unended: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name("unended_deliveries"),
			Help: "Deliveries that were given up and have not ended yet, because their library cannot be interrupted; at most 16 for each receiver since the last reload."}, []string{"receiver"}),
		firing: prometheus.NewGauge(prometheus.GaugeOpts{Name: name("firing"), Help: "Alerts that fire."}),
		muted:  prometheus.NewGauge(prometheus.GaugeOpts{Name: name("muted"), Help: "Alerts that fire and that an operator has muted."}),
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.deliveries, m.troubles, m.dropped, m.firing, m.muted, m.alone, m.unended} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// delivered counts an attempt to deliver.
func (m *metrics) delivered(receiver string, err error) {
	result := "ok"
	switch {
	case errors.Is(err, ErrRefused):
		result = "refused"
	case err != nil:
		result = "failed"
	}
	m.deliveries.WithLabelValues(receiver, result).Inc()
}
