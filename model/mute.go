package model

import (
	"net"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Mute says that nobody is alerted of incidents within a scope for a time: during planned work, or
// while what is known to fail is mended. It is about no single incident; those have notes.
type Mute struct {
	Number int64     // ascending, above 0
	At     time.Time // when somebody made it
	Scope  MuteScope
	Start  time.Time // may be later than At
	End    time.Time // when it ends or ended
	Who    string    // as in [Note]
	Known  bool
	Reason string
	// EndedBy is who ended it before its time, at End; empty if nobody did or nobody said.
	EndedBy string
	Ended   bool // somebody did
}

// The limits of mutes.
const (
	MaxMutes      = 100                 // that are not over yet
	MaxMutesRead  = 1000                // in one answer
	MaxMuteAhead  = 90 * 24 * time.Hour // from now until the start of one
	MaxMuteValues = 32                  // of each list in a scope
	MaxMuteValue  = 256                 // bytes
)

// MuteScope says which incidents a [Mute] is about: those of which everything that they name lies
// within each of its fields that is not empty. An incident that hits more than that goes on
// alerting.
type MuteScope struct {
	// App, Target and Servers are patterns, in which * stands for any characters and ? for one.
	App    string
	Target string // of origins, such as https://shop.example
	// Servers are matched with the address of a server, its host, its name, and the place where it
	// stands: "east/web" is every server below.
	Servers   []string
	ASNs      []uint32
	Countries []string
}

// Empty reports whether s is about nothing.
func (s *MuteScope) Empty() bool {
	return s.App == "" && s.Target == "" && len(s.Servers) == 0 && len(s.ASNs) == 0 && len(s.Countries) == 0
}

// Covers reports whether an incident lies within s. about, which may be nil, returns the name of
// the server at an address and the place where it stands, such as "north/east/web/r1".
func (s *MuteScope) Covers(i *Incident, about func(address string) []string) bool {
	return !s.Empty() &&
		(s.App == "" || wild(s.App, i.App)) &&
		(s.Target == "" || wild(s.Target, i.Target)) &&
		(len(s.Servers) == 0 || all(i.Scope.Servers, func(address string) bool { return s.server(address, about) })) &&
		(len(s.ASNs) == 0 || all(i.Scope.ASNs, func(n uint32) bool { return slices.Contains(s.ASNs, n) })) &&
		(len(s.Countries) == 0 || all(i.Scope.Countries, func(c string) bool { return slices.Contains(s.Countries, c) }))
}

// all reports whether a list is not empty and is is true of all in it. An empty list is everyone,
// and so more than any scope has.
func all[T any](list []T, is func(T) bool) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(v T) bool { return !is(v) })
}

func (s *MuteScope) server(address string, about func(string) []string) bool {
	names := []string{address}
	if host, _, err := net.SplitHostPort(address); err == nil {
		names = append(names, host)
	}
	if about != nil {
		names = append(names, about(address)...)
	}
	return slices.ContainsFunc(s.Servers, func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return wild(pattern, name) || wild(pattern+"/*", name) })
	})
}

// wild reports whether a text is as a pattern says, in which * stands for any characters and ? for
// one.
func wild(pattern, text string) bool {
	p, t, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from, p = p, t, p+1
		case p < len(pattern) && pattern[p] == '?':
			_, size := utf8.DecodeRuneInString(text[t:])
			p, t = p+1, t+size
		case p < len(pattern) && pattern[p] == text[t]:
			p, t = p+1, t+1
		case star >= 0: // the last star stands for one more
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Words puts the scope into words: "servers web-* of https://shop.example from AS64501". names,
// which may be nil, gives networks their names, or "".
func (s *MuteScope) Words(names func(asn uint32) string) string {
	var parts []string
	add := func(before string, list ...string) {
		if len(list) > 0 && list[0] != "" {
			parts = append(parts, before+join(list))
		}
	}
	if len(s.Servers) == 1 {
		add("server ", s.Servers...)
	} else {
		add("servers ", s.Servers...)
	}
	add("of ", s.Target)
	add("of application ", s.App)
	var networks []string
	for _, asn := range s.ASNs {
		networks = append(networks, networkWords(asn, names))
	}
	add("from ", networks...)
	add("from ", s.Countries...)
	return strings.TrimPrefix(strings.Join(parts, " "), "of ")
}

// Holds reports whether m mutes at a time.
func (m *Mute) Holds(now time.Time) bool { return !now.Before(m.Start) && now.Before(m.End) }

// Over reports whether m mutes no longer.
func (m *Mute) Over(now time.Time) bool { return !now.Before(m.End) }

// MuteOf returns the mute that covers an incident and holds now, the one that ends last, or else
// the last that has ended, or nil.
func MuteOf(mutes []Mute, i *Incident, about func(address string) []string, now time.Time) (found *Mute) {
	for k := range mutes {
		m := &mutes[k]
		if now.Before(m.Start) || !m.End.After(m.Start) || found != nil && !m.End.After(found.End) || !m.Scope.Covers(i, about) {
			continue
		}
		found = m
	}
	return found
}
