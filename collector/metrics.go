package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/metricset"
	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// metrics are the metrics of a Collector. No client can choose the value of a label.
type metrics struct {
	requests *prometheus.CounterVec   // route, code
	duration *prometheus.HistogramVec // route
	batches  *prometheus.CounterVec   // source, decision, reason
	// batches for which agents got a receipt
	stored      prometheus.Counter
	bytes       *prometheus.CounterVec                                           // route
	received    struct{ batches, reports, oblivious, sentry prometheus.Counter } // of bytes
	shed        *prometheus.CounterVec                                           // cause
	reports     *prometheus.CounterVec                                           // type
	dropped     *prometheus.CounterVec                                           // reason
	sentryItems *prometheus.CounterVec                                           // kind, result
	sentryParts *prometheus.CounterVec                                           // part
	feedBatches prometheus.Counter
	unlisted    prometheus.Counter
	oblivious   *prometheus.CounterVec // result
	commitSize  prometheus.Histogram
	commitTime  prometheus.Histogram
	wait        prometheus.Histogram
	watched     []prometheus.Collector // computed when they are scraped

	unregister func() // set by register
}

const metricsPrefix = "heliograph_collector_"

// latencies are histogram buckets in seconds. A commit to a fast disk takes 0.3 ms, and the
// timeouts are 10 s.
var latencies = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricsPrefix + name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: metricsPrefix + name, Help: help, Buckets: buckets}
	}
	m := &metrics{
		requests: counter("requests_total", "HTTP requests, by route and status code.", "route", "code"),
		duration: prometheus.NewHistogramVec(histogram("request_duration_seconds",
			"Time to answer a request; that of the feed includes its wait.", latencies), []string{"route"}),
		batches: counter("batches_total", "Batches by source, decision and reason.", "source", "decision", "reason"),
		bytes:   counter("received_bytes_total", "Bytes of bodies read, by route.", "route"),
		reports: counter("browser_reports_total", "Reports that browsers sent, by type.", "type"),
		dropped: counter("dropped_reports_total",
			"Reports of browsers that were not kept, by reason; an upload that was not read counts as one.", "reason"),
		sentryItems: counter("sentry_items_total", "Items that Sentry's SDKs sent, by kind and what became of them.", "kind", "result"),
		sentryParts: counter("sentry_dropped_parts_total", "Events of Sentry's SDKs of which a part was not kept, by part.", "part"),
		shed:        counter("shed_uploads_total", "Uploads that were turned away before their bodies were read, by cause.", "cause"),
		oblivious:   counter("oblivious_requests_total", "Requests to the Oblivious HTTP gateway, by result.", "result"),
		feedBatches: counter("feed_batches_total", "Batches handed to detectors, repetitions included.").WithLabelValues(),
		unlisted: counter("unlisted_proxy_requests_total",
			"Uploads through a proxy on this host or a private network that is not listed: its clients look like one.").WithLabelValues(),
		commitSize: prometheus.NewHistogram(histogram("commit_batches", "Batches per commit.", prometheus.ExponentialBuckets(1, 2, 11))),
		commitTime: prometheus.NewHistogram(histogram("commit_duration_seconds", "Time of the inbox to make a group durable.", latencies)),
		wait: prometheus.NewHistogram(histogram("queue_duration_seconds",
			"Time that an upload waited for its commit to begin.", latencies)),
	}
	m.stored = m.batches.WithLabelValues("agent", receipt.Stored.String(), "")
	m.received.batches, m.received.reports = m.bytes.WithLabelValues("batches"), m.bytes.WithLabelValues("reports")
	m.received.oblivious = m.bytes.WithLabelValues("oblivious")
	m.received.sentry = m.bytes.WithLabelValues("sentry")
	return m
}

// watch adds the metrics that are computed from the parts of a collector.
func (m *metrics) watch(a *admission, c *committer, f *feedServer, u *upkeep, b *backlog) {
	gauge := func(name, help string, now func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: metricsPrefix + name, Help: help}, now)
	}
	m.watched = []prometheus.Collector{
		gauge("uploads_in_flight", "Uploads whose body is read or that wait for the inbox.", func() float64 { return float64(a.uploads.Taken()) }),
		gauge("body_bytes", "Memory in use for bodies of uploads.", func() float64 { return float64(a.memory.used.Load()) }),
		gauge("queue_batches", "Batches that wait for their commit to begin.", func() float64 { return float64(len(c.queue.in)) }),
		gauge("feeds_in_flight", "Feed requests that have no answer yet.", func() float64 { return float64(f.slots.Taken()) }),
		gauge("backlog_shed_ratio", "Part of uploads that is asked to come later because detectors do not take what is stored, 0 to 1.", b.shedding),
		newInboxMetrics(u),
	}
}

func (m *metrics) all() metricset.Set {
	return append(metricset.Set{m.requests, m.duration, m.batches, m.bytes, m.shed, m.reports, m.dropped, m.sentryItems, m.sentryParts, m.feedBatches, m.unlisted, m.oblivious,
		m.commitSize, m.commitTime, m.wait}, m.watched...)
}

// register adds all metrics to r, which may be nil, or none of them.
func (m *metrics) register(r prometheus.Registerer, id string) (err error) {
	if r != nil {
		r = prometheus.WrapRegistererWith(prometheus.Labels{"collector": id}, r)
	}
	// so that another collector with the same id can follow in this process
	m.unregister, err = m.all().Register(r)
	return err
}
