package api

import "time"

// Trend says whether failures become more or fewer.
type Trend string

// The trends.
const (
	TooEarly   Trend = "too_early"  // there are too few requests since the onset
	Worse      Trend = "worse"      // more requests fail than before
	Steady     Trend = "steady"     // about as many fail as before
	Recovering Trend = "recovering" // at most half as many fail as at the worst
	Recovered  Trend = "recovered"  // hardly more fail than normally
)

// Curve shows how the requests of a target, or of the scope of an incident, fared over time. Column
// i begins at start + i × step_seconds. Versions, operating systems and collectors in a scope do
// not narrow it.
type Curve struct {
	Columns
	Start       time.Time `json:"start"`
	StepSeconds float64   `json:"step_seconds"`
	// Origin of the requests; empty for all; for deliveries, "collector:" and the collector's id.
	Target string `json:"target"`
	// The incident whose scope this is; absent without one.
	Incident int64 `json:"incident,omitempty"`
	// The part of the requests that normally fails.
	Normal float64 `json:"normal"`
	// When the failures began; absent if nothing fails.
	Onset time.Time `json:"onset,omitzero"`
	// Absent if nothing fails.
	Trend Trend `json:"trend,omitempty"`
	// When it began to recover, or had recovered; absent for other trends.
	TrendSince time.Time `json:"trend_since,omitzero"`
	// The part of the latest requests that failed.
	Ratio float64 `json:"ratio"`
	// How many columns are not shown, because they are of too few clients; they are 0 as if nothing
	// was heard. Onset, trend and ratio count them.
	Suppressed int `json:"suppressed"`
}
