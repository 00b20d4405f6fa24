// Package doctor checks whether the collectors of a policy work, and whether they are in another
// failure domain than the service that they report on. [Looker] finds the [Facts], which can also
// come from a file. [Judge] turns them into findings.
package doctor

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Facts are the facts about one host: the service under one of its names, or a collector.
type Facts struct {
	Name string `yaml:"name"` // host name or address, as people know it
	// what the name resolves to, and the fallback addresses of a collector
	Addresses []netip.Addr `yaml:"addresses"`
	ASNs      []uint32     `yaml:"asns"`   // of the addresses; empty if unknown
	Domain    string       `yaml:"domain"` // registrable domain; empty for an address
	// of the domain, in lower case without a final dot
	NameServers []string `yaml:"name_servers"`
	// organisation and name of the certificate's root; empty without TLS, or if unknown
	Authority   string        `yaml:"authority"`
	Expires     time.Time     `yaml:"expires"` // of the certificate; zero if none
	ClockOffset time.Duration `yaml:"-"`       // its clock minus ours
	// what did not work, such as being unreachable by name or by a fallback address
	Faults  []string `yaml:"faults"`
	Unknown []string `yaml:"unknown"` // what could not be found out, and why
}

// prefixes returns the /24 and /48 prefixes of the addresses, the smallest that are routed
// separately on the internet.
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

// Severities, in ascending order.
const (
	Good    Severity = 0
	Unsure  Severity = 1 // could not be determined
	Warning Severity = 2 // weak, or will fail later
	Bad     Severity = 3 // shared with the service, or broken now
)

// String returns "ok", "unknown", "warning" or "FAULT".
func (s Severity) String() string {
	return [...]string{"ok", "unknown", "warning", "FAULT"}[min(s, Bad)]
}

// Word returns "ok", "unknown", "warning" or "fault", for programs.
func (s Severity) Word() string { return strings.ToLower(s.String()) }

// Finding is one result of [Judge].
type Finding struct {
	Severity Severity
	Subject  string // what it is about: a collector's name, or "policy"
	Text     string // a sentence
}

// Worst returns the highest severity among findings.
func Worst(findings []Finding) Severity {
	var worst Severity
	for _, f := range findings {
		worst = max(worst, f.Severity)
	}
	return worst
}
