package collector

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readyTimeout bounds the check of the inbox.
const readyTimeout = 5 * time.Second

// Operations serves /health/live, /health/ready and /metrics, for a listener that the public does
// not reach. gatherer is what /metrics shows; nil leaves that route out.
func (c *Collector) Operations(gatherer prometheus.Gatherer) http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/health/live", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	r.HandleFunc("/health/ready", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := c.Ready(ctx); err != nil {
			writeText(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		writeText(w, http.StatusOK, "ok")
	})
	if gatherer != nil {
		r.Handle("/metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	}
	return r
}
