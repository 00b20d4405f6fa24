package api

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// MuteState says whether a mute by scope mutes.
type MuteState string

// The states.
const (
	MuteHolds   MuteState = "holds"
	MutePlanned MuteState = "planned" // it has not begun
	MuteOver    MuteState = "over"
)

// ScopeMute says that nobody is alerted of incidents within a scope for a time. An incident is
// within it if all that the incident names lies within each part of the scope that is not empty.
type ScopeMute struct {
	// Ascending, above 0.
	Number int64     `json:"number"`
	State  MuteState `json:"state"`
	// The scope in words: "server web-* of https://shop.example".
	Words string `json:"words"`
	// Patterns, in which * stands for any characters and ? for one; empty if it does not matter.
	App    string `json:"app"`
	Target string `json:"target"`
	// Patterns of addresses, hosts, names, or places such as "east/web".
	Servers   []string  `json:"servers"`
	Networks  []Network `json:"networks"`
	Countries []string  `json:"countries"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	// When it was made.
	At time.Time `json:"at"`
	// Who made it; empty if nobody said.
	Who string `json:"who"`
	// Whether the dashboard knows that person by a login.
	Known  bool   `json:"known"`
	Reason string `json:"reason"`
	// Whether somebody ended it before its time.
	Ended bool `json:"ended"`
	// Who did; absent if nobody did or said.
	EndedBy string `json:"ended_by,omitempty"`
}

// NewMute is the body of a request that adds a mute by scope. At least one part of the scope must
// be given.
type NewMute struct {
	// Patterns, in which * stands for any characters and ? for one.
	App    string `json:"app,omitempty"`
	Target string `json:"target,omitempty"`
	// Patterns of addresses, hosts, names, or places such as "east/web".
	Servers []string `json:"servers,omitempty"`
	// Numbers of autonomous systems.
	ASNs []uint32 `json:"asns,omitempty"`
	// Two capital letters each.
	Countries []string `json:"countries,omitempty"`
	// When it begins, at most 90 days ahead; now if absent.
	Start time.Time `json:"start,omitzero"`
	// How long it lasts: a span of at most 7d; "1h" if absent.
	For string `json:"for,omitempty"`
	// At most 2000 bytes; required.
	Reason string `json:"reason"`
	// Who mutes, at most 100 bytes. It is ignored where people log in, because they are known.
	Who string `json:"who,omitempty"`
}

// EndMute is the body of a request that ends a mute by scope before its time.
type EndMute struct {
	// Who ends it, at most 100 bytes. It is ignored where people log in, because they are known.
	Who string `json:"who,omitempty"`
}

// Mutes returns the mutes by scope that hold, are planned, or ended within the last span since, in
// the order of their numbers. 0 means a day.
func (c *Client) Mutes(ctx context.Context, since time.Duration) ([]ScopeMute, error) {
	v := url.Values{}
	setSpan(v, "since", since)
	return ask[[]ScopeMute](ctx, c, "/mutes", v)
}

// AddMute adds a mute by scope.
func (c *Client) AddMute(ctx context.Context, m NewMute) (ScopeMute, error) {
	return post[ScopeMute](ctx, c, m, "mutes")
}

// EndMute ends a mute by scope before its time.
func (c *Client) EndMute(ctx context.Context, number int64, e EndMute) (ScopeMute, error) {
	return post[ScopeMute](ctx, c, e, "mutes", strconv.FormatInt(number, 10), "end")
}
