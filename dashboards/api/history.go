package api

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// SuppressedHeader is the header of answers that says how many cells are not shown, because they
// are of fewer distinct clients than the dashboard shows.
const SuppressedHeader = "X-Suppressed-Count"

// History has sums of requests by minute or hour.
type History struct {
	// Length of a step in seconds.
	StepSeconds int `json:"step_seconds"`
	// The sums, the earliest first.
	Rows []HistoryRow `json:"rows"`
	// How many rows are not shown, because they are of fewer clients than `least_clients`.
	Suppressed int `json:"suppressed"`
	// The least distinct clients of a row that is shown.
	LeastClients int `json:"least_clients"`
}

// HistoryRow is the sum of one group in one step: the selected facets, and sums. Other facets are
// absent.
type HistoryRow struct {
	// Start of the step.
	At time.Time `json:"at"`
	// Name of the application.
	App *string `json:"app,omitempty"`
	// Version of the application; empty if unknown.
	Version *string `json:"version,omitempty"`
	// Operating system.
	OS *string `json:"os,omitempty"`
	// Origin of the request.
	Target *string `json:"target,omitempty"`
	// Outcome; "ok" for success.
	Type *report.Outcome `json:"type,omitempty"`
	// Autonomous system of the clients; 0 if unknown.
	ASN *uint32 `json:"asn,omitempty"`
	// Name of that network; absent if unknown.
	ASName string `json:"as_name,omitempty"`
	// Two letters; "ZZ" if unknown.
	Country *string `json:"country,omitempty"`
	// Kind of reporter: "agent", "browser" or "prober".
	Source *string `json:"source,omitempty"`
	// Requests that succeeded. What one place reports counts up to ten usual places.
	OK float64 `json:"ok"`
	// Requests that failed, likewise.
	Failed float64 `json:"failed"`
	// Requests that were reported; the others are estimated from these.
	Reports uint64 `json:"reports"`
	// Distinct clients, as they claim; a client counts again every UTC day.
	Clients uint64 `json:"clients"`
}

// HistoryQuery selects and groups requests. Zero fields leave the choice to the dashboard.
type HistoryQuery struct {
	Since   time.Duration  // how far back
	Hours   bool           // steps of an hour instead of a minute
	By      []Dimension    // facets; empty for one row a step
	App     string         // empty for any
	Version string         // of the application; empty for any
	Type    report.Outcome // this outcome and those below it; empty for any
	Target  string         // origin; empty for any
}

// Values returns the parameters of the query.
func (q HistoryQuery) Values() url.Values {
	v := url.Values{}
	setSpan(v, "since", q.Since)
	if q.Hours {
		v.Set("step", "1h")
	}
	by := make([]string, len(q.By))
	for i, d := range q.By {
		by[i] = string(d)
	}
	setText(v, "by", strings.Join(by, ","))
	setText(v, "app", q.App)
	setText(v, "version", q.Version)
	setText(v, "type", string(q.Type))
	setText(v, "target", q.Target)
	return v
}

// History returns sums of requests by minute or hour.
func (c *Client) History(ctx context.Context, q HistoryQuery) (History, error) {
	return ask[History](ctx, c, "/history", q.Values())
}

// AppErrors has causes of application errors.
type AppErrors struct {
	// The causes, those with the latest errors first.
	Errors []AppError `json:"errors"`
	// How many causes are not shown, because fewer clients than `least_clients` reported them.
	Suppressed int `json:"suppressed"`
	// The least distinct clients of a cause that is shown.
	LeastClients int `json:"least_clients"`
}

// AppError is one cause of application errors, and where it was seen.
type AppError struct {
	// 32 hexadecimal digits, the same for errors with one cause.
	Fingerprint string `json:"fingerprint"`
	// Name of the application.
	App string `json:"app"`
	// Type of the error.
	ErrorType string `json:"error_type"`
	// Outcome, below "app" or "browser".
	Type report.Outcome `json:"type"`
	// Times of the earliest and of the latest error.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// The release that the error is new in.
	FirstVersion string `json:"first_version"`
	// The release that it was last seen in.
	LastVersion string `json:"last_version"`
	// Number of errors.
	Count uint64 `json:"count"`
	// Distinct clients among the reports that are stored.
	Clients uint64 `json:"clients"`
}

// AppErrorsQuery selects causes of application errors. Zero fields leave the choice to the
// dashboard.
type AppErrorsQuery struct {
	App   string        // empty for any
	NewIn string        // first seen in this version; empty for any
	Since time.Duration // seen within this span
	Limit int
}

// Values returns the parameters of the query.
func (q AppErrorsQuery) Values() url.Values {
	v := url.Values{}
	setText(v, "app", q.App)
	setText(v, "new_in", q.NewIn)
	setSpan(v, "since", q.Since)
	setInt(v, "limit", q.Limit)
	return v
}

// AppErrors returns causes of application errors, those with the latest errors first.
func (c *Client) AppErrors(ctx context.Context, q AppErrorsQuery) (AppErrors, error) {
	return ask[AppErrors](ctx, c, "/errors", q.Values())
}
