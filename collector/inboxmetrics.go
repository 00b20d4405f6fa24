package collector

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// statsTimeout limits a call of the inbox.
const statsTimeout = 5 * time.Second

// inboxMetrics reads the inbox's stats when it is scraped.
type inboxMetrics struct {
	inbox                                                    Inbox
	forecast                                                 *forecast
	pending, bytes, maxBytes, limit, oldest, unread, dropped *prometheus.Desc
	fullIn                                                   *prometheus.Desc
	behind, unseen                                           *prometheus.Desc // by reader
}

func newInboxMetrics(u *upkeep) inboxMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(metricsPrefix+name, help, labels, nil)
	}
	return inboxMetrics{
		inbox:    u.inbox,
		forecast: &u.forecast,
		pending:  desc("inbox_pending_batches", "Batches stored that not all detectors have acknowledged."),
		bytes:    desc("inbox_bytes", "Bytes that the inbox uses."),
		maxBytes: desc("inbox_max_bytes", "Bytes at which the inbox is full."),
		limit:    desc("inbox_limit_bytes", "Bytes at which the inbox is full as its disk is now, at most inbox_max_bytes."),
		oldest:   desc("inbox_oldest_batch_age_seconds", "Age of the oldest batch that not all detectors have acknowledged; 0 without one."),
		unread:   desc("inbox_hub_oldest_batch_age_seconds", "Age of the oldest batch at the hub that a detector which reads there has not acknowledged; 0 without one."),
		dropped:  desc("inbox_dropped_batches_total", "Batches dropped for their age, never acknowledged by all detectors."),
		fullIn:   desc("inbox_full_seconds", "Time until the inbox, or its disk, is full if it goes on as in the last hour; 0 when it is full, +Inf when it does not grow."),
		behind:   desc("feed_lag_batches", "Batches that a detector has not acknowledged, by its feed key.", "reader"),
		unseen:   desc("feed_unseen_seconds", "Time since a detector last asked, by its feed key; +Inf when it has not since the start.", "reader"),
	}
}

// Describe implements prometheus.Collector.
func (m inboxMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.pending, m.bytes, m.maxBytes, m.limit, m.oldest, m.unread, m.dropped, m.fullIn, m.behind, m.unseen} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. If the inbox fails, its metrics are missing, and
// /health/ready says why.
func (m inboxMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	s, err := m.inbox.Stats(ctx)
	if err != nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := time.Now()
	gauge(m.pending, float64(s.Pending))
	gauge(m.bytes, float64(s.Bytes))
	gauge(m.maxBytes, float64(s.MaxBytes))
	gauge(m.limit, float64(s.limit()))
	gauge(m.oldest, secondsSince(now, s.Oldest, 0))
	gauge(m.unread, secondsSince(now, s.Unread, 0))
	gauge(m.fullIn, fullSeconds(m.forecast.fullAs(s)))
	ch <- prometheus.MustNewConstMetric(m.dropped, prometheus.CounterValue, float64(s.Dropped))
	for _, r := range s.Readers {
		gauge(m.behind, float64(s.Head-min(s.Head, max(r.Acked, s.Acked))), r.Name)
		gauge(m.unseen, secondsSince(now, r.Seen, never), r.Name)
	}
}

// fullSeconds is +Inf for the longest Duration.
func fullSeconds(d time.Duration) float64 {
	if d == math.MaxInt64 {
		return never
	}
	return d.Seconds()
}

// never is longer than any delay.
var never = math.Inf(1)

func secondsSince(now, then time.Time, without float64) float64 {
	if then.IsZero() {
		return without
	}
	return max(0, now.Sub(then).Seconds())
}
