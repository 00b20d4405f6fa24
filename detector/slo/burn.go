package slo

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Period is the time over which an objective is to be kept.
const Period = 30 * day

const day = 24 * time.Hour

// rule is a pair of windows. It holds if the budget is spent faster than factor in both.
type rule struct {
	alert       model.ObjectiveAlert
	long, short time.Duration
	factor      float64
}

// rules are those of the Site Reliability Workbook, the most urgent first: 2 % of the budget in an
// hour, 5 % in six hours, 10 % in a day, and 10 % in three days.
var rules = []rule{
	{model.ObjectivePage, time.Hour, 5 * time.Minute, 14.4},
	{model.ObjectivePage, 6 * time.Hour, 30 * time.Minute, 6},
	{model.ObjectiveTicket, day, 2 * time.Hour, 3},
	{model.ObjectiveTicket, 3 * day, 6 * time.Hour, 1},
}

// leastFailed is the least number of failed requests in the long window. With fewer, a high burn
// rate only says that there is little traffic.
const leastFailed = 10

// windows are all windows of the rules, the shortest first.
var windows = []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, day, 3 * day, Period}

// Sum counts the requests of a target in a window.
type Sum struct {
	Requests float64 // estimated, failures included
	Failed   float64 // or, for an objective with a time limit, too slow
}

// Judge returns the status of an objective. sum returns the sum of its target's requests in a
// window that ends now.
func Judge(o model.Objective, sum func(window time.Duration) Sum) model.ObjectiveStatus {
	whole := sum(Period)
	s := model.ObjectiveStatus{Objective: o, Requests: whole.Requests, Failed: whole.Failed, BudgetLeft: 1 - whole.burn(o)}
	for _, w := range windows {
		s.Burn = append(s.Burn, model.BurnRate{Window: w, Rate: sum(w).burn(o)})
	}
	for _, r := range rules {
		long, short := sum(r.long), sum(r.short)
		if long.Failed >= leastFailed && long.burn(o) > r.factor && short.burn(o) > r.factor {
			s.Alert = r.alert
			s.Why = fmt.Sprintf("%.3g %% of the requests of %s %s where %.3g %% may: the budget of 30 days lasts %s at this rate",
				100*long.Failed/long.Requests, span(r.long), fault(o), 100*(1-o.Share), lasts(long.burn(o)))
			break
		}
	}
	return s
}

// fault returns what a request that spends the budget has done.
func fault(o model.Objective) string {
	if o.Within > 0 {
		return "took longer than " + o.Within.String()
	}
	return "failed"
}

// burn returns the rate at which the budget is spent. At a rate of 1, it lasts exactly for the
// period.
func (s Sum) burn(o model.Objective) float64 {
	if s.Requests <= 0 {
		return 0
	}
	return s.Failed / s.Requests / (1 - o.Share)
}

// span returns a window in words.
func span(w time.Duration) string {
	switch {
	case w == time.Hour:
		return "an hour"
	case w == day:
		return "a day"
	case w < day:
		return fmt.Sprintf("%.0f hours", w.Hours())
	default:
		return fmt.Sprintf("%.0f days", w.Hours()/24)
	}
}

// lasts returns, in words, how long a whole budget lasts at a rate.
func lasts(burn float64) string {
	d := time.Duration(float64(Period) / burn)
	if d < 2*day {
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
