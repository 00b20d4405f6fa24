package api

import "time"

// State is the state of everything in one word.
type State string

// The states, from the best to the worst but for silent, of which nobody knows.
const (
	Calm   State = "calm"   // nothing is abnormal
	Unsure State = "unsure" // something fails, or nothing is known yet: too little to judge
	// users are fine, but reports do not reach a collector
	DegradedDelivery State = "degraded_delivery"
	InIncident       State = "incident" // an incident is open
	Silent           State = "silent"   // there were reports, and there are none now
)

// Now is the state of everything in one sentence, judged by the detector's thresholds.
type Now struct {
	State State `json:"state"`
	// One sentence without a full stop. Its numbers change seldom, so it may be read aloud.
	Headline string `json:"headline"`
	// Since when it is so; absent when that is not known.
	Since time.Time `json:"since,omitzero"`
	// What it rests on, the most telling first.
	Why []string `json:"why"`
}
