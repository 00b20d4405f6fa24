//go:build cgo

package clickhousestore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of a store.
type metrics struct {
	statements *prometheus.HistogramVec
	failures   *prometheus.CounterVec
	rows       prometheus.Counter
	blocks     prometheus.Counter
	took       prometheus.Histogram
	refused    prometheus.Counter
	repeated   prometheus.Counter
}

func newMetrics() metrics {
	return metrics{
		statements: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "heliograph_clickhouse_statement_duration_seconds", Help: "Time of statements that ClickHouse carried out, by kind.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"kind"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_clickhouse_failures_total", Help: "Statements that ClickHouse did not carry out, by kind."}, []string{"kind"}),
		rows:     prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_clickhouse_rows_total", Help: "Rows inserted into ClickHouse."}),
		blocks:   prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_clickhouse_blocks_total", Help: "Blocks of the journal inserted into ClickHouse."}),
		refused:  prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_clickhouse_refused_total", Help: "Pages that were not taken because the journal was full. They stay with the collectors."}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_clickhouse_repeated_total", Help: "Batches that were taken again while ClickHouse did not answer, and were not inserted."}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_clickhouse_block_duration_seconds", Help: "Time in which a block was inserted into all tables.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}),
	}
}

// observe counts a statement.
func (m *metrics) observe(kind string, begun time.Time, err error) {
	if err != nil {
		m.failures.WithLabelValues(kind).Inc()
		return
	}
	m.statements.WithLabelValues(kind).Observe(time.Since(begun).Seconds())
}

var (
	waitingBytes = prometheus.NewDesc("heliograph_clickhouse_waiting_bytes", "Bytes of reports in the journal that are not in ClickHouse yet.", nil, nil)
	waitingAge   = prometheus.NewDesc("heliograph_clickhouse_waiting_seconds", "For how long the oldest report in the journal has waited for ClickHouse.", nil, nil)
)

var answering = prometheus.NewDesc("heliograph_clickhouse_up", "Whether ClickHouse takes what is reported and says what it has (1) or not (0).", nil, nil)

// Describe implements prometheus.Collector. It also works on the zero Events.
func (s *Events) Describe(all chan<- *prometheus.Desc) {
	m := newMetrics()
	m.each(func(c prometheus.Collector) { c.Describe(all) })
	all <- waitingBytes
	all <- waitingAge
	all <- answering
}

// Collect implements prometheus.Collector.
func (s *Events) Collect(all chan<- prometheus.Metric) {
	if s.metrics.statements == nil {
		return
	}
	s.metrics.each(func(c prometheus.Collector) { c.Collect(all) })
	up := 1.0
	if s.failed.Load() != nil || s.away.Load() > time.Now().UnixMilli() {
		up = 0
	}
	all <- prometheus.MustNewConstMetric(answering, prometheus.GaugeValue, up)
	all <- prometheus.MustNewConstMetric(waitingBytes, prometheus.GaugeValue, float64(s.waiting.Load()))
	age := 0.0
	if since := s.since.Load(); since != 0 {
		age = max(time.Since(time.UnixMilli(since)).Seconds(), 0)
	}
	all <- prometheus.MustNewConstMetric(waitingAge, prometheus.GaugeValue, age)
}

func (m *metrics) each(f func(prometheus.Collector)) {
	for _, c := range []prometheus.Collector{m.statements, m.failures, m.rows, m.blocks, m.took, m.refused, m.repeated} {
		f(c)
	}
}
