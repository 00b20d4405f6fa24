// Package doctor says whether the collectors of a policy really stand in another failure domain
// than the service that they report on, and whether they work. Facts come from live look-ups (Look)
// or from a file; Judge turns them into findings and does nothing else.
package doctor

import (
	"net/netip"
	"slices"
	"time"
)

// Facts are what is known of one host: the service under one of its names, or a collector.
type Facts struct {
	Name string `yaml:"name"` // host name or address, as people know it
	// what the name resolves to, and a collector's fallback addresses
	Addresses   []netip.Addr `yaml:"addresses"`
	ASNs        []uint32     `yaml:"asns"`         // of the addresses; empty: not known
	Domain      string       `yaml:"domain"`       // registrable domain; "": an address has none
	NameServers []string     `yaml:"name_servers"` // of the domain, lower case, no final dot
	// organisation and name of the root that vouches for the certificate; "": no TLS, or not known
	Authority   string        `yaml:"authority"`
	Expires     time.Time     `yaml:"expires"` // of the certificate; zero: none
	ClockOffset time.Duration `yaml:"-"`       // its clock less ours
	// what did not work: unreachable by name, by fallback address, …
	Faults  []string `yaml:"faults"`
	Unknown []string `yaml:"unknown"` // what could not be found out, and why
}

// prefixes are the routable neighbourhoods of the addresses: /24 and /48, the smallest that the
// internet routes by themselves.
func (f *Facts) prefixes() []netip.Prefix {
	var all []netip.Prefix
	for _, a := range f.Addresses {
		bits := 48
		if a = a.Unmap(); a.Is4() {
			bits = 24
		}
		if p, err := a.Prefix(bits); err == nil && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// Severity ranks a finding.
type Severity uint8

// Severities, in rising order.
const (
	Good    Severity = 0
	Unsure  Severity = 1 // could not be found out
	Warning Severity = 2 // weak, or will fail later
	Bad     Severity = 3 // shared with the service, or broken now
)

// String is "ok", "unknown", "warning" or "FAULT".
func (s Severity) String() string {
	return [...]string{"ok", "unknown", "warning", "FAULT"}[min(s, Bad)]
}

// Finding is one thing that Judge says.
type Finding struct {
	Severity Severity
	Subject  string // whom it is about: a collector's name, or "policy"
	Text     string // a sentence
}

// Worst is the highest severity among findings.
func Worst(findings []Finding) Severity {
	var worst Severity
	for _, f := range findings {
		worst = max(worst, f.Severity)
	}
	return worst
}
