// Package metricset registers the metrics of a service together. Start with [Set.Register].
package metricset

import "github.com/prometheus/client_golang/prometheus"

// Set is a set of metrics that is itself a [prometheus.Collector].
type Set []prometheus.Collector

// Describe implements prometheus.Collector.
func (s Set) Describe(ch chan<- *prometheus.Desc) {
	for _, each := range s {
		each.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (s Set) Collect(ch chan<- prometheus.Metric) {
	for _, each := range s {
		each.Collect(ch)
	}
}

// Register registers all metrics with r, or none of them. The function that it returns unregisters
// them; it is idempotent. If r is nil, Register does nothing.
func (s Set) Register(r prometheus.Registerer) (unregister func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	if err := r.Register(s); err != nil {
		return nil, err
	}
	return func() { r.Unregister(s) }, nil
}
