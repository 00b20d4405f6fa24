package model

import "time"

// Objective is what a target promises over 30 days: which share of its requests succeeds or, if
// Within is set, which share of those that succeed is answered in time. What may fail or be slower
// is its budget.
type Objective struct {
	Target string        // origin
	Share  float64       // above 0 and below 1, such as 0.999
	Within time.Duration // longest time until the head of the response; 0: any
}

// ObjectiveAlert says how urgent it is that an objective is being missed.
type ObjectiveAlert string

// The alerts, the least urgent first.
const (
	ObjectiveMet    ObjectiveAlert = ""       // the budget lasts
	ObjectiveTicket ObjectiveAlert = "ticket" // it does not, and there are days
	ObjectivePage   ObjectiveAlert = "page"   // it is used up within hours or days
)

// ObjectiveStatus is how an objective fares.
type ObjectiveStatus struct {
	Objective
	Requests float64 // estimated, within the 30 days; with Within, those whose duration is known
	Failed   float64 // of these; with Within, those that took longer
	// BudgetLeft is the share of the error budget that is left: 1 when nothing failed, negative
	// when the objective is missed.
	BudgetLeft float64
	Burn       []BurnRate // the shortest window first
	Alert      ObjectiveAlert
	Why        string // one sentence about the alert; empty without
	// how long the requests of the last hour took that succeeded; the zero value without Within
	Latest Percentiles
}

// Percentiles are durations that 50, 95 and 99 % of some requests did not exceed, to within 4.4 %.
// They are 0 if there are none.
type Percentiles struct{ P50, P95, P99 time.Duration }

// BurnRate is how fast a budget was spent within a window.
type BurnRate struct {
	Window time.Duration
	Rate   float64 // 1 spends the budget in exactly 30 days
}
