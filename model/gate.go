package model

import "time"

// GateQuery asks whether a release of an application is worse than another one.
type GateQuery struct {
	App     string
	Version string // the release
	Against string // the one to compare it with
	Since   time.Time
	// Error is the probability with which a release that is no worse is called worse, however often
	// it is asked. 0 means 0.01.
	Error float64
	// Detect is the difference, in share of the requests, that a release must be shown not to have
	// to be called healthy. 0 means 0.02.
	Detect float64
}

// GateState is what is known of a release.
type GateState string

// The states.
const (
	GateWorse   GateState = "worse"
	GateHealthy GateState = "healthy"    // a difference of Detect is excluded
	GateUnknown GateState = "too_little" // there is too little data to say either
)

// Gate is the comparison of a release with another one.
type Gate struct {
	State GateState
	Title string        // one sentence
	Tests []GateMeasure // failures first
	// For says whom a worse release hurts, where the difference is concentrated; may be empty.
	For []string
	// Clients is how many distinct clients each release that has any requests has at least: those
	// of its busiest minute, the fewer of both.
	Clients uint64
}

// GateMeasure is the comparison of one kind of trouble, per request.
type GateMeasure struct {
	Name  string // "failures", "application_errors" or "slowness"
	State GateState

	Requests, AgainstRequests float64 // estimated
	Troubles, AgainstTroubles float64 // failures, errors or slow answers
	// Difference is by how much the share of troubled requests is higher, among the same networks.
	// Low and High are the limits of a confidence sequence: they hold at all times together.
	Difference, Low, High float64
}
