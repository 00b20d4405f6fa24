package detector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/metricset"
	"github.com/heliograph-net/heliograph/report"
)

// metrics are the detector's own metrics. No label is a name that clients choose.
type metrics struct {
	batches     *prometheus.CounterVec // result: new, duplicate, or a Reason
	records     prometheus.Counter
	unknown     prometheus.Counter
	strange     prometheus.Counter
	surplus     prometheus.Counter
	clipped     *prometheus.CounterVec
	series      prometheus.Gauge
	reduced     *prometheus.CounterVec // to: coarse, other
	evicted     prometheus.Counter
	tokens      prometheus.Counter
	probeDrops  prometheus.Counter
	late        prometheus.Counter
	clientDrops *prometheus.CounterVec // reason
	troubles    *prometheus.CounterVec // where: read, ack, store, evaluate, rows, prune, probes
	bins        prometheus.Counter
	lateBins    prometheus.Counter
	steps       prometheus.Counter
	evaluated   prometheus.Gauge
	incidents   *prometheus.CounterVec // event
	open        prometheus.Gauge
	overflow    prometheus.Gauge
	pastRows    prometheus.Gauge
	newest      prometheus.Gauge
	storeBytes  prometheus.Gauge
	storeMax    prometheus.Gauge
	trimmed     *prometheus.CounterVec // kind
	oldest      *prometheus.GaugeVec   // kind
	held        *prometheus.GaugeVec   // reason
	heldBytes   *prometheus.GaugeVec   // reason
	heldDrops   *prometheus.GaugeVec   // reason
	claimed     *prometheus.CounterVec // collector
	unkept      *prometheus.GaugeVec   // collector
	awaited     *prometheus.GaugeVec   // collector
	lagBatches  *prometheus.GaugeVec   // feed
	lagSeconds  *prometheus.GaugeVec   // feed
}

// newMetrics registers the metrics, and more, with r, which may be nil.
func newMetrics(r prometheus.Registerer, more ...prometheus.Collector) (*metrics, error) {
	all := metricset.Set(more)
	name := func(s string) string { return "heliograph_detector_" + s }
	vec := func(n, help, label string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name(n), Help: help}, []string{label})
		all = append(all, c)
		return c
	}
	counter := func(n, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name(n), Help: help})
		all = append(all, c)
		return c
	}
	gauge := func(n, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name(n), Help: help})
		all = append(all, g)
		return g
	}
	gaugeVec := func(n, help, label string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name(n), Help: help}, []string{label})
		all = append(all, g)
		return g
	}
	m := &metrics{
		batches:    vec("batches_total", "Batches taken from feeds: new, duplicate, released from quarantine, or why they were quarantined.", "result"),
		records:    counter("records_total", "Records of known kinds in new batches and duplicates."),
		unknown:    counter("unknown_records_total", "Records skipped because this release does not know their kind."),
		strange:    counter("unknown_vantage_results_total", "Results of probes that were dropped because their vantage is not one of those configured."),
		series:     gauge("series", "Series that are told apart."),
		reduced:    vec("reduced_counts_total", "Counts of new series beyond what their place may bring: coarse are without server, protocol and status, other without application and target, too.", "to"),
		evicted:    counter("evicted_series_total", "Series that are no longer told apart because there were too many. What is stored of them stays."),
		surplus:    counter("surplus_rows_total", "Counters, samples and application errors beyond what one segment may tell; they are left out."),
		clipped:    vec("clipped_requests_total", "Requests beyond the ten usual ones that a client counts for; they are left out of what is stored: failed or ok.", "result"),
		tokens:     counter("surplus_tokens_total", "Headers that name another client than the first of their segment; what follows them counts as the first client's."),
		probeDrops: counter("dropped_probe_results_total", "Results of probes in this process that the store was too slow for, or refused."),
		late: counter("late_batches_total", "Batches that came when the bin of their receipt was judged already: the collector's clock is behind, or its "+
			"feed. They amend the store and raise nothing."),
		clientDrops: vec("client_drops_total", "Records that clients say they lost.", "reason"),
		troubles:    vec("troubles_total", "Operations that failed and are tried again.", "where"),
		bins:        counter("bins_total", "Bins evaluated."),
		lateBins:    counter("late_bins_total", "Bins judged later than a bin after they were due: after a start, or a step of the clock."),
		steps:       counter("clock_steps_total", "Steps of this machine's clock, as seen from its monotonic clock."),
		evaluated:   gauge("evaluated_timestamp_seconds", "End of the last bin that was evaluated."),
		incidents:   vec("incident_events_total", "Incidents opened, changed and cleared.", "event"),
		open:        gauge("open_incidents", "Incidents that are open."),
		overflow:    gauge("dropped_series", "Rows, series and names not taken up because the judgement remembers a bounded number, since its start."),
		pastRows:    gauge("past_rows", "Rows of reports that came five minutes or more after the fact, since the start. They count into judged bins, and tell of the past only."),
		held:        gaugeVec("quarantine_batches", "Batches in quarantine, by reason; those of unknown_key wait for a key.", "reason"),
		heldBytes:   gaugeVec("quarantine_bytes", "Bytes of batches in quarantine, by reason.", "reason"),
		heldDrops:   gaugeVec("quarantine_dropped_batches", "Batches ever given up in quarantine for want of room, by reason.", "reason"),
		claimed:     vec("receipts_claimed_total", "Batches that clients say a collector has signed for, as far as they are checked.", "collector"),
		unkept: gaugeVec("receipts_unkept", "Batches of the last two days that clients say a collector has signed for, and that should have come "+
			"and have not.", "collector"),
		awaited:    gaugeVec("receipts_awaited", "Batches that clients say a collector has signed for, and that may still come.", "collector"),
		storeBytes: gauge("store_bytes", "Bytes of the store that are in use."),
		storeMax:   gauge("store_max_bytes", "Bytes from which on the oldest data in the store is deleted before its time."),
		trimmed:    vec("store_dropped_rows_total", "Rows deleted before their time because the store was full, by kind.", "kind"),
		oldest:     gaugeVec("store_oldest_timestamp_seconds", "How far back the store reaches, by kind.", "kind"),
		lagBatches: gaugeVec("feed_lag_batches", "Batches of a feed that wait to be read, as far as the feed says.", "feed"),
		lagSeconds: gaugeVec("feed_lag_seconds", "How long ago the batches that are read of a feed were received; 0 if none waits.", "feed"),
		newest:     gauge("newest_batch_timestamp_seconds", "When the newest batch was received by its collector."),
	}
	_, err := all.Register(r)
	return m, err
}

var knownDrops = []string{report.DropSpoolFull, report.DropExpired, report.DropCorrupt, report.DropWriteFailed, report.DropOverflow,
	report.DropQueueFull, report.DropRefused}

// clippedRequests counts what was left out of new batches. m may be nil.
func (m *metrics) clippedRequests(of []beyond, isNew []bool) {
	if m == nil {
		return
	}
	for i, b := range of {
		if isNew[i] {
			m.clipped.WithLabelValues("failed").Add(max(b.failed, 0))
			m.clipped.WithLabelValues("ok").Add(max(b.ok, 0))
		}
	}
}

// tookIn counts the contents of a batch.
func (m *metrics) tookIn(b *opened) {
	m.records.Add(float64(b.Records))
	m.unknown.Add(float64(b.unknown))
	m.strange.Add(float64(b.strange))
	m.surplus.Add(float64(b.surplus))
	m.tokens.Add(float64(b.tokens))
	for _, d := range b.drops {
		reason := d.Reason
		if !slices.Contains(knownDrops, reason) {
			reason = "other"
		}
		m.clientDrops.WithLabelValues(reason).Add(float64(d.Count))
	}
}
