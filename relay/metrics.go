package relay

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/metricset"
)

// metrics are the metrics of a relay. Clients cannot choose the value of any label.
type metrics struct {
	requests *prometheus.CounterVec   // route, code
	duration *prometheus.HistogramVec // route
	shed     *prometheus.CounterVec   // cause
	inFlight prometheus.GaugeFunc
}

func newMetrics(r *Relay) *metrics {
	const prefix = "heliograph_relay_"
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "requests_total", Help: "HTTP requests, by route and status code."},
			[]string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + "request_duration_seconds",
			Help: "Time to answer a request, that of the collector included.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}},
			[]string{"route"}),
		shed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "shed_requests_total",
			Help: "Requests that were told to come later, by cause."}, []string{"cause"}),
		inFlight: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + "requests_in_flight", Help: "Requests that have no answer yet."},
			func() float64 { return float64(r.requests.Taken()) }),
	}
}

func (m *metrics) all() metricset.Set {
	return metricset.Set{m.requests, m.duration, m.shed, m.inFlight}
}
