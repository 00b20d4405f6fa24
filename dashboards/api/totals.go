package api

import "github.com/heliograph-net/heliograph/report"

// Dimension is what requests are grouped by.
type Dimension string

// The dimensions. Each is the name of the member of [Total] that holds its value.
const (
	ByType     Dimension = "type"
	ByApp      Dimension = "app"
	ByTarget   Dimension = "target"
	ByASN      Dimension = "asn"
	ByCountry  Dimension = "country"
	ByServer   Dimension = "server"
	ByProtocol Dimension = "protocol"
	ByStatus   Dimension = "status"
	BySource   Dimension = "source"
)

// Total is one row of totals: the dimensions that were asked for, and sums. A dimension that was
// not asked for is absent.
type Total struct {
	// Outcome in the words of Network Error Logging; "ok" when answered.
	Type *report.Outcome `json:"type,omitempty"`
	// Name that the application gave itself.
	App *string `json:"app,omitempty"`
	// Origin of the request; of a delivery "collector:" and the collector's id.
	Target *string `json:"target,omitempty"`
	// Autonomous system of the clients; 0: unknown.
	ASN *uint32 `json:"asn,omitempty"`
	// Name of that network; absent when unknown.
	ASName string `json:"as_name,omitempty"`
	// Two letters; "ZZ": unknown.
	Country *string `json:"country,omitempty"`
	// Address and port that was tried last; "": unknown.
	Server *string `json:"server,omitempty"`
	// ALPN id, such as "h2"; "": the request did not get that far.
	Protocol *string `json:"protocol,omitempty"`
	// Status of HTTP; 0: none.
	Status *uint16 `json:"status,omitempty"`
	// Who reports: "agent", "browser" or "prober".
	Source *string `json:"source,omitempty"`
	// Requests that succeeded.
	OK float64 `json:"ok"`
	// Requests that did not.
	Failed float64 `json:"failed"`
	// Distinct clients; a client counts anew every UTC day.
	Clients uint64 `json:"clients"`
}

// Totals is what the page shows of totals.
type Totals struct {
	// How far back the sums reach.
	WindowSeconds int     `json:"window_seconds"`
	Outcomes      []Total `json:"outcomes"`
	// The first 200 networks, those with most failures first.
	Networks []Total `json:"networks"`
	// How many networks there are.
	NetworkCount int `json:"network_count"`
	// Deliveries of reports.
	Collectors []CollectorTotal `json:"collectors"`
}

// CollectorTotal sums the deliveries to one collector, as agents tell of them.
type CollectorTotal struct {
	Total
	// The collector takes fewer batches than it fails; see [Now].
	Failing bool `json:"failing"`
}
