package api

// Objective is the state of a service level objective: a share of a target's requests that should
// succeed over 30 days or, with within_ms, a share of those that succeed that should be answered in
// time.
type Objective struct {
	Target string `json:"target"`
	// Share of requests that should succeed, or should be answered in time.
	Share float64 `json:"share"`
	// Longest time until the head of the response, in milliseconds; absent if the objective is that
	// requests succeed.
	WithinMS float64 `json:"within_ms,omitempty"`
	// Estimated requests within the 30 days; with within_ms, those that succeeded and whose
	// duration is known.
	Requests float64 `json:"requests"`
	// Of these, those that failed; with within_ms, those that took longer.
	Failed float64 `json:"failed"`
	// Share of the error budget that is left; negative if the objective was missed.
	BudgetLeft float64 `json:"budget_left"`
	// The shortest window first.
	Burn []BurnRate `json:"burn"`
	// "page" or "ticket"; absent if the budget lasts.
	Alert string `json:"alert,omitempty"`
	// One sentence about the alert.
	Why string `json:"why,omitempty"`
	// With within_ms, the times in milliseconds that 50, 95 and 99 % of the successful requests of
	// the last hour did not exceed, to within 4.4 %; absent if there were none.
	P50MS float64 `json:"p50_ms,omitempty"`
	P95MS float64 `json:"p95_ms,omitempty"`
	P99MS float64 `json:"p99_ms,omitempty"`
}

// BurnRate is how fast an error budget was spent within a window of time.
type BurnRate struct {
	// A span such as "5m0s" or "30d".
	Window string `json:"window"`
	// 1 spends the budget in exactly 30 days.
	Rate float64 `json:"rate"`
}
