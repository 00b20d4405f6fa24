package prober

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
)

const (
	// maxTargetMetrics is the most targets that may have metrics of their own.
	maxTargetMetrics = 10_000
	// maxTargetOutcomes is how many outcomes of one target are told apart. Further ones are
	// otherOutcome.
	maxTargetOutcomes = 8
	otherOutcome      = "other"
)

// targetMetrics are the metrics of single targets. All have the label target and nothing that a
// target says of itself, so that there are at most so many series as the options allow. It is safe
// for concurrent use; nil has no metrics.
type targetMetrics struct {
	most                            int
	up, took, ends, attempts, found *prometheus.Desc

	mu  sync.Mutex // guards the fields below
	all map[string]*targetSample
	out int // targets that have no metrics because there are too many
}

// targetSample is what is known of one target.
type targetSample struct {
	state    heatmap.State
	seconds  float64 // length of the last attempt that was conclusive
	ends     int64   // in Unix seconds; 0: it has no certificate
	attempts map[string]uint64
}

// newTargetMetrics returns metrics for at most so many targets, or nil for none.
func newTargetMetrics(most int) *targetMetrics {
	if most <= 0 {
		return nil
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("heliograph_prober_target_"+name, help, labels, nil)
	}
	return &targetMetrics{
		most: most, all: map[string]*targetSample{},
		up:       desc("up", "1 if the target is up, 0 if it is down, and absent if that is unknown.", "target"),
		took:     desc("attempt_duration_seconds", "Length of the target's last attempt that was conclusive.", "target"),
		ends:     desc("certificate_end_timestamp_seconds", "When the target's certificate expires; absent without one.", "target"),
		attempts: desc("attempts_total", "Attempts at the target by outcome; inconclusive ones say nothing about it.", "target", "outcome"),
		found:    desc("metrics_left_out", "Targets without metrics of their own, because there are more than prober.target_metrics."),
	}
}

// keep drops the targets that are not among all, and those beyond the limit.
func (m *targetMetrics) keep(all []*server) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.all
	m.all = make(map[string]*targetSample, min(len(all), m.most))
	m.out = max(len(all)-m.most, 0)
	for _, s := range all[:min(len(all), m.most)] {
		t := before[s.target.Name]
		if t == nil {
			t = &targetSample{attempts: map[string]uint64{}}
		}
		m.all[s.target.Name] = t
	}
}

// attempt takes the last attempt at s.
func (m *targetMetrics) attempt(s *server) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.all[s.target.Name]
	if t == nil {
		return
	}
	t.state = s.state
	outcome := "inconclusive"
	if s.err == nil {
		outcome = string(s.result.Outcome)
		t.seconds = s.result.Total().Seconds()
	}
	if _, known := t.attempts[outcome]; !known && len(t.attempts) >= maxTargetOutcomes {
		outcome = otherOutcome
	}
	t.attempts[outcome]++
	if !s.result.CertificateEnds.IsZero() {
		t.ends = s.result.CertificateEnds.Unix()
	}
}

// Describe implements [prometheus.Collector].
func (m *targetMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.up, m.took, m.ends, m.attempts, m.found} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *targetMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(m.found, float64(m.out))
	for name, t := range m.all {
		if t.state != heatmap.Unknown {
			gauge(m.up, probe.Flag(t.state == heatmap.Up), name)
		}
		if len(t.attempts) > 0 {
			gauge(m.took, t.seconds, name)
		}
		if t.ends != 0 {
			gauge(m.ends, float64(t.ends), name)
		}
		for outcome, n := range t.attempts {
			ch <- prometheus.MustNewConstMetric(m.attempts, prometheus.CounterValue, float64(n), name, outcome)
		}
	}
}
