package api

import "time"

// Reachability is a grid of client networks and time. Column i begins at start + i × step_seconds.
type Reachability struct {
	Start       time.Time `json:"start"`
	StepSeconds float64   `json:"step_seconds"`
	Steps       int       `json:"steps"`
	// The sum over all networks, listed or not.
	All Columns `json:"all"`
	// The networks, those that fail now first, then the busiest.
	Origins []Origin `json:"origins"`
	// How many cells, of a network in a column, are empty because they are of too few clients;
	// absent if 0.
	Suppressed int `json:"suppressed,omitempty"`
	// Number of networks, listed or not.
	OriginCount int `json:"origin_count"`
	// The recent columns of all networks.
	Recent Recent `json:"recent"`
	// End of the last column with requests; absent if there are none.
	Heard time.Time `json:"heard,omitzero"`
}

// Columns has one value per column in each list. Both are 0 if there were no requests.
type Columns struct {
	OK     []float64 `json:"ok"`
	Failed []float64 `json:"failed"`
}

// Origin is one row of the grid: a client network.
type Origin struct {
	Network
	Columns
	Recent Recent `json:"recent"`
}

// Recent is the sum of the last columns with requests.
type Recent struct {
	OK     float64 `json:"ok"`
	Failed float64 `json:"failed"`
	// Enough requests fail to deserve attention.
	Failing bool `json:"failing"`
}
