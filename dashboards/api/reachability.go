package api

import "time"

// Reachability is a grid of where requests come from, client networks or countries, and time.
// Column i begins at start + i × step_seconds.
type Reachability struct {
	Start       time.Time `json:"start"`
	StepSeconds float64   `json:"step_seconds"`
	Steps       int       `json:"steps"`
	// The sum over all origins, listed or not.
	All Columns `json:"all"`
	// The networks or countries, in the order that was asked for: those that fail now first, then
	// the busiest; or those with the greatest excess first.
	Origins []Origin `json:"origins"`
	// How many cells, of an origin in a column, are empty because they are of too few clients;
	// absent if 0.
	Suppressed int `json:"suppressed,omitempty"`
	// Number of networks or countries, listed or not.
	OriginCount int `json:"origin_count"`
	// The recent columns of all origins.
	Recent Recent `json:"recent"`
	// End of the last column with requests; absent if there are none.
	Heard time.Time `json:"heard,omitzero"`
}

// Columns has one value per column in each list. Both are 0 if there were no requests.
type Columns struct {
	OK     []float64 `json:"ok"`
	Failed []float64 `json:"failed"`
}

// Origin is one row of the grid: a client network or a country.
type Origin struct {
	Network
	// Two letters, "ZZ" if unknown; absent for a network.
	Country string `json:"country,omitempty"`
	Columns
	// The part of its requests that normally fails: of the columns before those that fail now.
	Normal float64 `json:"normal"`
	// Failures beyond the normal ones, summed over the columns.
	Excess float64 `json:"excess"`
	Recent Recent  `json:"recent"`
}

// Recent is the sum of the last columns with requests.
type Recent struct {
	OK     float64 `json:"ok"`
	Failed float64 `json:"failed"`
	// Enough requests fail to deserve attention.
	Failing bool `json:"failing"`
}
