package slo

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/model"
)

var (
	burnDesc = prometheus.NewDesc("heliograph_objective_burn_rate",
		"How fast a target's error budget is spent; 1 spends it in exactly 30 days.", []string{"target", "within", "window"}, nil)
	budgetDesc = prometheus.NewDesc("heliograph_objective_budget_left",
		"Share of a target's error budget of 30 days that is left; negative when the objective is missed.", []string{"target", "within"}, nil)
	alertDesc = prometheus.NewDesc("heliograph_objective_alert",
		"Whether a target's budget is spent so fast that somebody is to act: at once (page), or within days (ticket).", []string{"target", "within", "severity"}, nil)
	latencyDesc = prometheus.NewDesc("heliograph_objective_latency_seconds",
		"Time until the head of the response that a share of a target's successful requests of the last hour did not exceed, to within 4.4 %.",
		[]string{"target", "quantile"}, nil)
)

// Describe sends the descriptions of the metrics.
func (w *Watcher) Describe(out chan<- *prometheus.Desc) {
	out <- burnDesc
	out <- budgetDesc
	out <- alertDesc
	out <- latencyDesc
}

// Collect sends the metrics of all objectives. Their labels are the targets of the configuration,
// never text from clients.
func (w *Watcher) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	told := ""
	for _, s := range w.Status() {
		limit := "" // none
		if s.Within > 0 {
			limit = s.Within.String()
		}
		for _, b := range s.Burn {
			gauge(burnDesc, b.Rate, s.Target, limit, short(b.Window))
		}
		gauge(budgetDesc, s.BudgetLeft, s.Target, limit)
		if s.Latest != (model.Percentiles{}) && told != s.Target {
			told = s.Target
			gauge(latencyDesc, s.Latest.P50.Seconds(), s.Target, "0.5")
			gauge(latencyDesc, s.Latest.P95.Seconds(), s.Target, "0.95")
			gauge(latencyDesc, s.Latest.P99.Seconds(), s.Target, "0.99")
		}
		for _, a := range []model.ObjectiveAlert{model.ObjectivePage, model.ObjectiveTicket} {
			on := 0.0
			if s.Alert == a {
				on = 1
			}
			gauge(alertDesc, on, s.Target, limit, string(a))
		}
	}
}

// short formats a window as Prometheus does: "5m", "6h", "30d".
func short(w time.Duration) string {
	switch {
	case w < time.Hour:
		return whole(w, time.Minute, "m")
	case w < day:
		return whole(w, time.Hour, "h")
	default:
		return whole(w, day, "d")
	}
}

func whole(w, unit time.Duration, name string) string { return strconv.Itoa(int(w/unit)) + name }
