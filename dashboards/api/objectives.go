package api

// Objective is the state of a service level objective: a share of a target's requests that should
// succeed over 30 days.
type Objective struct {
	Target string `json:"target"`
	// Share of requests that should succeed.
	Share float64 `json:"share"`
	// Estimated requests within the 30 days.
	Requests float64 `json:"requests"`
	Failed   float64 `json:"failed"`
	// Share of the error budget that is left; negative if the objective was missed.
	BudgetLeft float64 `json:"budget_left"`
	// The shortest window first.
	Burn []BurnRate `json:"burn"`
	// "page" or "ticket"; absent if the budget lasts.
	Alert string `json:"alert,omitempty"`
	// One sentence about the alert.
	Why string `json:"why,omitempty"`
}

// BurnRate is how fast an error budget was spent within a window of time.
type BurnRate struct {
	// A span such as "5m0s" or "30d".
	Window string `json:"window"`
	// 1 spends the budget in exactly 30 days.
	Rate float64 `json:"rate"`
}
