package api

import "time"

// Reachability is a grid of origins and time. Column i begins at start + i × step_seconds.
type Reachability struct {
	Start       time.Time `json:"start"`
	StepSeconds float64   `json:"step_seconds"`
	Steps       int       `json:"steps"`
	// Every origin, listed or not.
	All Columns `json:"all"`
	// Those that fail now first, then the busiest.
	Origins []Origin `json:"origins"`
	// How many origins there are.
	OriginCount int `json:"origin_count"`
	// How all of them fare now.
	Recent Recent `json:"recent"`
	// End of the last column in which anything was heard; absent when nothing was.
	Heard time.Time `json:"heard,omitzero"`
}

// Columns has one value per column; 0 and 0 where nothing was heard.
type Columns struct {
	OK     []float64 `json:"ok"`
	Failed []float64 `json:"failed"`
}

// Origin is one row of the grid: a network that clients come from.
type Origin struct {
	Network
	Columns
	Recent Recent `json:"recent"`
}

// Recent sums the last columns in which anything was heard.
type Recent struct {
	OK     float64 `json:"ok"`
	Failed float64 `json:"failed"`
	// So many fail that it deserves a look.
	Failing bool `json:"failing"`
}
