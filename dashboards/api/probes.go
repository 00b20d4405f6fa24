package api

import (
	"context"
	"net/url"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Probed is one server as the probers' vantages find it: for whom it is down, since when and why.
type Probed struct {
	Name       string `json:"name"`
	Address    string `json:"address,omitempty"`
	Kind       string `json:"kind"`
	Region     string `json:"region,omitempty"`
	DataCentre string `json:"data_centre,omitempty"`
	Cluster    string `json:"cluster,omitempty"`
	Row        string `json:"row,omitempty"`
	// For whom it is down: "global" (for all), "local" (for some), "up" or "unknown".
	Reach model.ProbeReach `json:"reach"`
	// When that began; absent if unknown.
	Since time.Time `json:"since,omitzero"`
	// Why it is down, in words; absent if it is not.
	Why string `json:"why,omitempty"`
	// The latest of each vantage.
	Vantages []Finding `json:"vantages"`
	// When a vantage changed its mind, newest first; only for a single server.
	Changes []Finding `json:"changes,omitempty"`
}

// Finding is what one vantage found of a server. After Outcome, what an attempt that succeeded
// found may be missing.
type Finding struct {
	Vantage string `json:"vantage"`
	// Autonomous system of the vantage; 0 if unknown.
	ASN    uint32 `json:"asn"`
	ASName string `json:"as_name,omitempty"`
	// Two letters of the country that the vantage is in; absent unless dashboard.vantages names it.
	Country string `json:"country,omitempty"`
	// When the attempt ended.
	At time.Time `json:"at"`
	// What the vantage holds of the server since then: "up", "down", "inconclusive" or
	// "maintenance".
	Judgement string `json:"judgement"`
	// When it began to hold that; absent if unknown.
	Since time.Time `json:"since,omitzero"`
	// Whether this is too old to count.
	Expired bool           `json:"expired,omitempty"`
	Outcome report.Outcome `json:"outcome"`
	// The step in which the attempt ended, such as "connect".
	Phase string `json:"phase,omitempty"`
	// The steps of the attempt, in order.
	Steps []ProbeStep `json:"steps,omitempty"`
	// Address that was tried.
	Server string `json:"server,omitempty"`
	// IP version of the address, 4 or 6.
	Family int `json:"family,omitempty"`
	// ALPN id, such as "h2".
	Protocol string `json:"protocol,omitempty"`
	// HTTP status.
	Status uint16 `json:"status,omitempty"`
	// Version of the prober.
	Version string `json:"version,omitempty"`
}

// ProbeStep is one step of an attempt.
type ProbeStep struct {
	Name string `json:"name"`
	// Duration in milliseconds.
	MS float64 `json:"ms"`
}

// ProbesQuery selects servers. Zero fields leave the choice to the dashboard.
type ProbesQuery struct {
	Server string           // name of a server; empty for any
	Reach  model.ProbeReach // empty for any
	Since  time.Duration    // how far back the changes of a single server go
	Limit  int              // most servers
}

// Values returns the parameters of the query.
func (q ProbesQuery) Values() url.Values {
	v := url.Values{}
	setText(v, "server", q.Server)
	setText(v, "reach", string(q.Reach))
	setSpan(v, "since", q.Since)
	setInt(v, "limit", q.Limit)
	return v
}

// Probes returns what the probers find of servers, those that are down for all first.
func (c *Client) Probes(ctx context.Context, q ProbesQuery) ([]Probed, error) {
	return ask[[]Probed](ctx, c, "/probes", q.Values())
}
