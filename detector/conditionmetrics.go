package detector

import "github.com/prometheus/client_golang/prometheus"

// conditionMetrics shows the conditions of a detector when it is scraped.
type conditionMetrics struct {
	d     *Detector
	blind *prometheus.Desc
	each  *prometheus.Desc
	off   *prometheus.Desc
}

func newConditionMetrics(d *Detector) conditionMetrics {
	const prefix = "heliograph_detector_"
	return conditionMetrics{d: d,
		blind: prometheus.NewDesc(prefix+"blind", "1 while nothing can be judged, 0 otherwise.", nil, nil),
		each: prometheus.NewDesc(prefix+"condition", "1 while a condition that keeps the detector from seeing holds, 0 otherwise, by condition and feed.",
			[]string{"condition", "feed"}, nil),
		off: prometheus.NewDesc(prefix+"clock_off_seconds", "How far the clock of this machine is off the time by which bins are judged.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (m conditionMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.blind
	ch <- m.each
	ch <- m.off
}

// Collect implements prometheus.Collector.
func (m conditionMetrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	type key struct{ name, feed string }
	values := map[key]float64{}
	for _, name := range conditionNames {
		values[key{name, ""}] = 0
	}
	blind := 0.0
	for _, c := range m.d.Conditions() {
		if c.Blind {
			blind = 1
		}
		if c.Feed != "" {
			delete(values, key{c.Name, ""})
		}
		values[key{c.Name, c.Feed}] = 1
	}
	for k, v := range values {
		gauge(m.each, v, k.name, k.feed)
	}
	gauge(m.blind, blind)
	gauge(m.off, m.d.clock.Off().Seconds())
}
