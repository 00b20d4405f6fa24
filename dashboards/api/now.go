package api

import "time"

// State is the overall state in one word.
type State string

// The states, from the best to the worst. Silent comes last because nothing is known then.
const (
	Calm   State = "calm"   // nothing is abnormal
	Unsure State = "unsure" // something fails, or nothing is known yet: too little to judge
	// users are fine, but reports do not reach a collector
	DegradedDelivery State = "degraded_delivery"
	InIncident       State = "incident" // an incident is open
	Silent           State = "silent"   // there used to be reports, and there are none now
)

// Now is the overall state in one sentence, judged by the detector's thresholds.
type Now struct {
	State State `json:"state"`
	// One sentence without a full stop. It changes rarely enough to be read aloud.
	Headline string `json:"headline"`
	// When the state began; absent if unknown.
	Since time.Time `json:"since,omitzero"`
	// The reasons, the most important first.
	Why []string `json:"why"`
	// How many are hit; absent if nobody is, or nobody knows.
	Who string `json:"who,omitempty"`
	// The open incident that the headline is about; absent without one.
	Incident int64 `json:"incident,omitempty"`
	// Whether it gets better; absent as long as nothing fails.
	Trend Trend `json:"trend,omitempty"`
	// When it began to recover, or had recovered; absent for other trends.
	TrendSince time.Time `json:"trend_since,omitzero"`
}
