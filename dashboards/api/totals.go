package api

import "github.com/heliograph-net/heliograph/report"

// Dimension is a property that requests are grouped by.
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

// Total is one row of totals: the selected dimensions, and sums. Other dimensions are absent.
type Total struct {
	// Outcome in the words of Network Error Logging; "ok" for success.
	Type *report.Outcome `json:"type,omitempty"`
	// Name of the application.
	App *string `json:"app,omitempty"`
	// Origin of the request; for a delivery, "collector:" and the collector's id.
	Target *string `json:"target,omitempty"`
	// Autonomous system of the clients; 0 if unknown.
	ASN *uint32 `json:"asn,omitempty"`
	// Name of that network; absent if unknown.
	ASName string `json:"as_name,omitempty"`
	// Two letters; "ZZ" if unknown.
	Country *string `json:"country,omitempty"`
	// Address and port that were tried last; empty if unknown.
	Server *string `json:"server,omitempty"`
	// ALPN id, such as "h2"; empty if the request did not get that far.
	Protocol *string `json:"protocol,omitempty"`
	// HTTP status; 0 if there was none.
	Status *uint16 `json:"status,omitempty"`
	// Kind of reporter: "agent", "browser" or "prober".
	Source *string `json:"source,omitempty"`
	// Requests that succeeded. What one place reports counts up to ten usual places.
	OK float64 `json:"ok"`
	// Requests that failed, likewise.
	Failed float64 `json:"failed"`
	// Requests that single places reported beyond that, and that are in neither sum; absent if 0.
	Clipped float64 `json:"clipped,omitempty"`
	// Distinct clients, as they claim; a client counts again every UTC day.
	Clients uint64 `json:"clients"`
	// Distinct places that collectors saw them in; absent if unknown. A place counts again every
	// UTC day, and once for each collector.
	Places uint64 `json:"places,omitempty"`
}

// Totals is the section of the stream with sums of requests.
type Totals struct {
	// The time that the sums cover.
	WindowSeconds int     `json:"window_seconds"`
	Outcomes      []Total `json:"outcomes"`
	// At most 200 networks, those with the most failures first.
	Networks []Total `json:"networks"`
	// Number of networks, listed or not.
	NetworkCount int `json:"network_count"`
	// How many outcomes and networks are not shown, because they are of too few clients;
	// absent if 0.
	Suppressed int `json:"suppressed,omitempty"`
	// Deliveries of reports.
	Collectors []CollectorTotal `json:"collectors"`
}

// CollectorTotal sums the deliveries to one collector, as reported by agents.
type CollectorTotal struct {
	Total
	// More deliveries fail than succeed; see [Now].
	Failing bool `json:"failing"`
}
