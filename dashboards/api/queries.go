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
	Since  time.Duration  // how far back
	Until  time.Time      // from when; zero for now
	By     []Dimension    // empty for one row that sums everything
	Where  Where          // of which requests
	Type   report.Outcome // this outcome and those below it; empty for any
	Target string         // origin; empty for any
	Limit  int            // most rows
}

// Where selects requests by where they came from and went to. Zero fields select any.
type Where struct {
	Network  *uint32 // number of the autonomous system
	Country  string  // two letters
	Server   string  // address and port
	Protocol string  // ALPN id
}

func (w Where) set(v url.Values) {
	if w.Network != nil {
		v.Set("asn", strconv.FormatUint(uint64(*w.Network), 10))
	}
	setText(v, "country", w.Country)
	setText(v, "server", w.Server)
	setText(v, "protocol", w.Protocol)
}

// Values returns the parameters of the query.
func (q TotalsQuery) Values() url.Values {
	v := url.Values{}
	setSpan(v, "since", q.Since)
	setTime(v, "until", q.Until)
	q.Where.set(v)
	by := make([]string, len(q.By))
	for i, d := range q.By {
		by[i] = string(d)
	}
	setText(v, "by", strings.Join(by, ","))
	setText(v, "type", string(q.Type))
	setText(v, "target", q.Target)
	setInt(v, "limit", q.Limit)
	return v
}

// ReportsQuery selects samples. Zero fields leave the choice to the dashboard.
type ReportsQuery struct {
	Text   string         // fields and words, as package model/search reads them; empty for any
	Type   report.Outcome // this outcome and those below it; empty for any
	Target string         // origin; empty for any
	Since  time.Duration  // how far back
	Until  time.Time      // from when; zero for now
	Where  Where          // of which requests
	Limit  int
}

// Values returns the parameters of the query.
func (q ReportsQuery) Values() url.Values {
	v := url.Values{}
	setText(v, "q", q.Text)
	setText(v, "type", string(q.Type))
	setText(v, "target", q.Target)
	setSpan(v, "since", q.Since)
	setTime(v, "until", q.Until)
	q.Where.set(v)
	setInt(v, "limit", q.Limit)
	return v
}

// ServersQuery selects servers. The answer has the groups of all servers, whatever is selected,
// unless their topology is known.
type ServersQuery struct {
	First     int         // index of the first server
	State     ServerState // empty for any
	Limit     int         // most servers; 0 leaves it to the dashboard
	NoServers bool        // return only groups
	At        time.Time   // when; zero for now
	Topology  string      // tag of a topology whose groups are known; empty for none, * for any
}

// Values returns the parameters of the query.
func (q ServersQuery) Values() url.Values {
	v := url.Values{}
	setInt(v, "first", q.First)
	setText(v, "state", string(q.State))
	setInt(v, "limit", q.Limit)
	if q.NoServers {
		v.Set("limit", "0")
	}
	setTime(v, "at", q.At)
	setText(v, "topology", q.Topology)
	return v
}

// Now returns the overall state.
func (c *Client) Now(ctx context.Context) (Now, error) {
	return ask[Now](ctx, c, "/now", nil)
}

// Totals returns sums of requests, most failures first.
func (c *Client) Totals(ctx context.Context, q TotalsQuery) ([]Total, error) {
	return ask[[]Total](ctx, c, "/totals", q.Values())
}

// Reports returns samples, newest first.
func (c *Client) Reports(ctx context.Context, q ReportsQuery) ([]Report, error) {
	return ask[[]Report](ctx, c, "/reports", q.Values())
}

// Incidents returns the incidents that have been open at any time within the last span since, open
// ones first. 0 means a day.
func (c *Client) Incidents(ctx context.Context, since time.Duration) ([]Incident, error) {
	v := url.Values{}
	setSpan(v, "since", since)
	return ask[[]Incident](ctx, c, "/incidents", v)
}

// Objectives returns how the objectives fare, sorted by target.
func (c *Client) Objectives(ctx context.Context) ([]Objective, error) {
	return ask[[]Objective](ctx, c, "/objectives", nil)
}

// Reachability returns the grid of client networks and time. A since of 0 means an hour; a step of
// 0 leaves it to the dashboard.
func (c *Client) Reachability(ctx context.Context, since, step time.Duration) (Reachability, error) {
	v := url.Values{}
	setSpan(v, "since", since)
	setSpan(v, "step", step)
	return ask[Reachability](ctx, c, "/reachability", v)
}

// Servers returns servers, their groups and their counts.
func (c *Client) Servers(ctx context.Context, q ServersQuery) (Servers, error) {
	return ask[Servers](ctx, c, "/servers", q.Values())
}

// ServersBits returns which servers are in a state, as a bit set: bit i, which is bit i%8 of byte
// i/8 (0 is the lowest), is 1 if server i is.
func (c *Client) ServersBits(ctx context.Context, state ServerState) ([]byte, error) {
	return c.ServersBitsAt(ctx, state, time.Time{})
}

// ServersBitsAt is like ServersBits for a past time, as far as the dashboard keeps a history.
func (c *Client) ServersBitsAt(ctx context.Context, state ServerState, at time.Time) ([]byte, error) {
	v := url.Values{}
	setText(v, "state", string(state))
	setTime(v, "at", at)
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

func setTime(v url.Values, name string, at time.Time) {
	if !at.IsZero() {
		v.Set(name, at.UTC().Format(time.RFC3339Nano))
	}
}

func setInt(v url.Values, name string, n int) {
	if n != 0 {
		v.Set(name, strconv.Itoa(n))
	}
}
