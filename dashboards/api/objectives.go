package api

// Objective is how a target fares that promises a share of successful requests over 30 days.
type Objective struct {
	Target string `json:"target"`
	// Share of requests that is to succeed.
	Share float64 `json:"share"`
	// Estimated requests within the 30 days.
	Requests float64 `json:"requests"`
	Failed   float64 `json:"failed"`
	// Share of the error budget that is left; negative when the objective is missed.
	BudgetLeft float64 `json:"budget_left"`
	// The shortest window first.
	Burn []BurnRate `json:"burn"`
	// "page" or "ticket"; absent while the budget lasts.
	Alert string `json:"alert,omitempty"`
	// One sentence about the alert.
	Why string `json:"why,omitempty"`
}

// BurnRate is how fast an error budget was spent within a window.
type BurnRate struct {
	// A span such as "5m0s" or "30d".
	Window string `json:"window"`
	// 1 spends the budget in exactly 30 days.
	Rate float64 `json:"rate"`
}
