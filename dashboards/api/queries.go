package api

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// TotalsQuery selects and groups requests. Zero fields leave the choice to the dashboard.
type TotalsQuery struct {
	Since time.Duration  // how far back
	By    []Dimension    // empty: one row for everything
	Type  report.Outcome // this outcome and those below it; "": any
	Limit int            // rows
}

// Values are the query's parameters.
func (q TotalsQuery) Values() url.Values {
	v := url.Values{}
	setSpan(v, "since", q.Since)
	by := make([]string, len(q.By))
	for i, d := range q.By {
		by[i] = string(d)
	}
	setText(v, "by", strings.Join(by, ","))
	setText(v, "type", string(q.Type))
	setInt(v, "limit", q.Limit)
	return v
}

// ReportsQuery selects samples. Zero fields leave the choice to the dashboard.
type ReportsQuery struct {
	Type   report.Outcome // this outcome and those below it; "": any
	Target string         // origin; "": any
	Since  time.Duration  // how far back
	Limit  int
}

// Values are the query's parameters.
func (q ReportsQuery) Values() url.Values {
	v := url.Values{}
	setText(v, "type", string(q.Type))
	setText(v, "target", q.Target)
	setSpan(v, "since", q.Since)
	setInt(v, "limit", q.Limit)
	return v
}

// ServersQuery selects servers. The groups are always those of all.
type ServersQuery struct {
	First     int         // index of the first
	State     ServerState // "": any
	Limit     int         // 0: the dashboard's choice
	NoServers bool        // groups only
}

// Values are the query's parameters.
func (q ServersQuery) Values() url.Values {
	v := url.Values{}
	setInt(v, "first", q.First)
	setText(v, "state", string(q.State))
	setInt(v, "limit", q.Limit)
	if q.NoServers {
		v.Set("limit", "0")
	}
	return v
}

// Now asks for the state of everything.
func (c *Client) Now(ctx context.Context) (Now, error) {
	return ask[Now](ctx, c, "/now", nil)
}

// Totals asks for sums of requests, most failures first.
func (c *Client) Totals(ctx context.Context, q TotalsQuery) ([]Total, error) {
	return ask[[]Total](ctx, c, "/totals", q.Values())
}

// Reports asks for samples, newest first.
func (c *Client) Reports(ctx context.Context, q ReportsQuery) ([]Report, error) {
	return ask[[]Report](ctx, c, "/reports", q.Values())
}

// Incidents asks for those that are open, and those that were at some time in the span; open ones
// come first. A span of 0 is a day.
func (c *Client) Incidents(ctx context.Context, since time.Duration) ([]Incident, error) {
	v := url.Values{}
	setSpan(v, "since", since)
	return ask[[]Incident](ctx, c, "/incidents", v)
}

// Reachability asks for the grid of networks and time. A span of 0 is an hour, a step of 0 the
// dashboard's.
func (c *Client) Reachability(ctx context.Context, since, step time.Duration) (Reachability, error) {
	v := url.Values{}
	setSpan(v, "since", since)
	setSpan(v, "step", step)
	return ask[Reachability](ctx, c, "/reachability", v)
}

// Servers asks for the servers, their groups and their counts.
func (c *Client) Servers(ctx context.Context, q ServersQuery) (Servers, error) {
	return ask[Servers](ctx, c, "/servers", q.Values())
}

// ServersBits asks which servers are in a state: bit i is server i, bit 0 the lowest of byte 0.
func (c *Client) ServersBits(ctx context.Context, state ServerState) ([]byte, error) {
	v := url.Values{}
	setText(v, "state", string(state))
	return c.Get(ctx, "/servers.bits", v)
}

func setText(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setSpan(v url.Values, name string, span time.Duration) {
	if span != 0 {
		v.Set(name, FormatSpan(span))
	}
}

func setInt(v url.Values, name string, n int) {
	if n != 0 {
		v.Set(name, strconv.Itoa(n))
	}
}
