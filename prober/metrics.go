package prober

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/metricset"
	"github.com/heliograph-net/heliograph/prober/probe"
)

// metrics are the metrics of a Prober. No label is a target's name, because there may be a
// million targets.
type metrics struct {
	attempts *prometheus.CounterVec // by outcome
	duration prometheus.Histogram
	lag      prometheus.Gauge
	doubts   *prometheus.CounterVec // inconclusive attempts, by cause
	warned   prometheus.Gauge
	ends     prometheus.Gauge
}

// newMetrics registers all metrics, or none if it fails. registry may be nil.
func newMetrics(registry prometheus.Registerer, p *Prober) (*metrics, error) {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "heliograph_prober_probes_total",
			Help: "Attempts made, by outcome; inconclusive ones say nothing about their target.",
		}, []string{"outcome"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "heliograph_prober_probe_duration_seconds",
			Help:    "Length of the attempts that were conclusive.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		lag: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "heliograph_prober_lag_seconds",
			Help: "How late the last attempt began; rises when concurrency is too low for targets, interval and timeout.",
		}),
	}
	m.doubts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "heliograph_prober_inconclusive_total",
		Help: "Attempts that say nothing about their target, by what is wrong with the vantage: machine, resolver, uplink, clock, witness.",
	}, []string{"cause"})
	for _, cause := range causes {
		m.doubts.WithLabelValues(cause)
	}
	m.warned = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "heliograph_prober_targets_with_warning",
		Help: "Targets that answer now but soon will not, because their certificate expires; the log names them.",
	})
	m.ends = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "heliograph_prober_earliest_certificate_end_timestamp_seconds",
		Help: "When the first of the targets' certificates expires; 0 if no target has one.",
	})
	set := append(metricset.Set{m.attempts, m.duration, m.lag, m.doubts, m.warned, m.ends}, gauges(p)...)
	if p.ofEach != nil {
		set = append(set, p.ofEach)
	}
	if _, err := set.Register(registry); err != nil {
		return nil, fmt.Errorf("register the prober's metrics: %w", err)
	}
	return m, nil
}

// gauges are computed when they are read.
func gauges(p *Prober) []prometheus.Collector {
	inDoubt := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heliograph_prober_vantage_in_doubt",
		Help: "1 while no witness answers, so that failed attempts do not count.",
	}, func() float64 {
		if p.vantage.inDoubt() {
			return 1
		}
		return 0
	})
	off := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heliograph_prober_clock_off_seconds",
		Help: "How far this machine's clock is ahead of what servers say, the median; 0 if fewer than three say anything.",
	}, func() float64 { return p.clock.off().Seconds() })
	maintained := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heliograph_prober_servers_in_maintenance",
		Help: "Servers whose last attempt was during maintenance.",
	}, func() float64 { return float64(p.maintained.Load()) })
	all := []prometheus.Collector{inDoubt, off, maintained}
	for _, state := range []heatmap.State{heatmap.Up, heatmap.Down, heatmap.Unknown} {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "heliograph_prober_servers",
			Help:        "Servers in the map, by state.",
			ConstLabels: prometheus.Labels{"state": state.String()},
		}, func() float64 { return float64(p.servers.Counts().Of(state)) }))
	}
	return all
}

func (m *metrics) late(lag time.Duration) { m.lag.Set(max(lag, 0).Seconds()) }

func (m *metrics) attempt(r probe.Result, err error) {
	if err != nil {
		m.attempts.WithLabelValues("inconclusive").Inc()
		if d, ok := errors.AsType[*doubt](err); ok {
			m.doubts.WithLabelValues(d.cause).Inc()
		}
		return
	}
	m.attempts.WithLabelValues(string(r.Outcome)).Inc()
	m.duration.Observe(r.Total().Seconds())
}

func (m *metrics) warnings(w *warnings) {
	m.warned.Set(float64(w.warned))
	m.ends.Set(float64(w.first))
}
