package model

import "time"

// Objective is what a target promises: which share of its requests succeeds, over 30 days. What may
// fail is its error budget.
type Objective struct {
	Target string  // origin
	Share  float64 // above 0 and below 1, such as 0.999
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
	Requests float64 // estimated, within the 30 days
	Failed   float64 // of these
	// BudgetLeft is the share of the error budget that is left: 1 when nothing failed, negative
	// when the objective is missed.
	BudgetLeft float64
	Burn       []BurnRate // the shortest window first
	Alert      ObjectiveAlert
	Why        string // one sentence about the alert; empty without
}

// BurnRate is how fast a budget was spent within a window.
type BurnRate struct {
	Window time.Duration
	Rate   float64 // 1 spends the budget in exactly 30 days
}
