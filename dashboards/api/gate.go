package api

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// GateState is what is known of a release.
type GateState string

// The states.
const (
	GateWorse   GateState = "worse"
	GateHealthy GateState = "healthy"
	GateUnknown GateState = "too_little"
)

// Gate is the comparison of a release of an application with another one.
type Gate struct {
	// "worse", "healthy" or "too_little" data to say either.
	State GateState `json:"state"`
	// One sentence.
	Title string `json:"title"`
	// What was compared, failures first.
	Tests []GateMeasure `json:"tests"`
	// Whom a worse release hurts, where the difference is concentrated: an outcome, a target, an
	// operating system, a country or a network; or which answers are slow.
	For []string `json:"for"`
}

// GateMeasure is the comparison of one kind of trouble, per request.
type GateMeasure struct {
	// "failures", "application_errors" or "slowness".
	Name  string    `json:"name"`
	State GateState `json:"state"`
	// Estimated requests with the release, and with the other one.
	Requests        float64 `json:"requests"`
	AgainstRequests float64 `json:"against_requests"`
	// Failures, errors or slow answers with the release, and with the other one.
	Troubles        float64 `json:"troubles"`
	AgainstTroubles float64 `json:"against_troubles"`
	// By how much the share of troubled requests is higher, among the same networks.
	Difference float64 `json:"difference"`
	// Limits of the difference. They hold at all times together, with the stated error.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// GateQuery asks whether a release is worse. Zero fields leave the choice to the dashboard.
type GateQuery struct {
	App     string
	Version string        // the release
	Against string        // the one to compare it with
	Since   time.Duration // how far back
	Error   float64       // probability of calling a release worse that is not
	Detect  float64       // the difference that a healthy release is shown not to have
}

// Values returns the parameters of the query.
func (q GateQuery) Values() url.Values {
	v := url.Values{}
	setText(v, "app", q.App)
	setText(v, "version", q.Version)
	setText(v, "against", q.Against)
	setSpan(v, "since", q.Since)
	for name, share := range map[string]float64{"error": q.Error, "detect": q.Detect} {
		if share != 0 {
			v.Set(name, strconv.FormatFloat(share, 'g', -1, 64))
		}
	}
	return v
}

// Gate compares a release with another one.
func (c *Client) Gate(ctx context.Context, q GateQuery) (Gate, error) {
	return ask[Gate](ctx, c, "/gate", q.Values())
}
