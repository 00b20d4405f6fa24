package model

import (
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Incident is a period in which requests to one target failed abnormally.
type Incident struct {
	ID     int64
	App    string // DeliveryApp if a collector does not accept batches
	Target string
	// the most frequent of the abnormal failures; may change while the incident is open
	Outcome report.Outcome
	Also    []report.Outcome // other outcomes of the same fault, present and past, sorted
	Verdict Verdict          // the cause; empty if not judged

	Scope Scope     // who is affected; may change while the incident is open
	Since time.Time // start of the first abnormal bin
	Until time.Time // end of the last abnormal bin; zero while open

	// The numbers of the worst evaluation window within the scope.

	Failed   float64 // reported failures
	Requests float64 // estimated requests, including failures
	Expected float64 // failures that would have been normal
	Clients  int     // distinct clients with failures

	Title    string   // one sentence: what fails, where, for whom and how often
	Evidence []Signal // the strongest evidence first
}

// ReceiptUnkept is the Outcome of an incident of a collector that has signed for batches which
// never came. It is the outcome of no request.
const ReceiptUnkept report.Outcome = "receipt.unkept"

// Collector is the id of the collector that an incident of [DeliveryApp] is about; empty
// for others.
func (i *Incident) Collector() string {
	if i.App != DeliveryApp {
		return ""
	}
	return strings.TrimPrefix(i.Target, CollectorTarget)
}

// Open reports whether the incident is still going on.
func (i *Incident) Open() bool { return i.Until.IsZero() }

// Clone returns a copy of i that shares no slices with it.
func (i *Incident) Clone() Incident {
	c := *i
	c.Scope = i.Scope.Clone()
	c.Also = slices.Clone(i.Also)
	c.Evidence = slices.Clone(i.Evidence)
	return c
}

// Signal is one piece of evidence for or against an incident. It comes from clients' reports, from
// probes or from deliveries.
type Signal struct {
	Code SignalCode // empty if a release without codes stored it
	Text string     // one sentence
}

// SignalCode says what a [Signal] is about.
type SignalCode string

// The codes of signals.
const (
	// how many failed, and how many were expected to
	SignalExcess       SignalCode = "excess"
	SignalElsewhere    SignalCode = "elsewhere"     // how many failed outside of the scope
	SignalBreadth      SignalCode = "breadth"       // how many clients and networks are hit
	SignalOutcomes     SignalCode = "outcomes"      // further outcomes of the same fault
	SignalProbesDown   SignalCode = "probes_down"   // probes find servers down, too
	SignalProbesAnswer SignalCode = "probes_answer" // probes reach the servers that clients do not
	SignalScope        SignalCode = "scope"         // what the scope says about the cause
	SignalDeliveries   SignalCode = "deliveries"    // whether the clients reach the collectors
	SignalEverywhere   SignalCode = "everywhere"    // clients fail at every target and recover
	SignalSources      SignalCode = "sources"       // how few sources report
	SignalSurge        SignalCode = "surge"         // sources report more than they usually do
	SignalMissing      SignalCode = "missing"       // what is too little to act on
	SignalLate         SignalCode = "late"          // told by reports of the past
)

// Scope describes who is affected by an incident: clients in any of ASNs or Countries, or requests
// to any of Servers. At most one of the lists is non-empty. The zero Scope means everyone.
type Scope struct {
	ASNs      []uint32 // sorted
	Countries []string // sorted
	Servers   []string // sorted; address and port
}

// Everyone reports whether the scope is unlimited.
func (s Scope) Everyone() bool {
	return len(s.ASNs) == 0 && len(s.Countries) == 0 && len(s.Servers) == 0
}

// Equal reports whether s and o describe the same scope.
func (s Scope) Equal(o Scope) bool {
	return slices.Equal(s.ASNs, o.ASNs) && slices.Equal(s.Countries, o.Countries) &&
		slices.Equal(s.Servers, o.Servers)
}

// Clone returns a copy of s that shares no slices with it.
func (s Scope) Clone() Scope {
	return Scope{slices.Clone(s.ASNs), slices.Clone(s.Countries), slices.Clone(s.Servers)}
}

// Verdict is the cause of an incident. The empty Verdict means that it has not been judged.
type Verdict string

// The verdicts.
const (
	ServiceDown Verdict = "service_down" // the service fails for everyone
	ServerGroup Verdict = "server_group" // one server or a group of servers fails
	NetworkPath Verdict = "network_path" // the path from some networks fails
	DNS         Verdict = "dns"          // names do not resolve
	Certificate Verdict = "certificate"  // a certificate is rejected
	Release     Verdict = "release"      // one version of the application fails
	Protocol    Verdict = "protocol"     // one protocol fails, such as HTTP/3
	// the clients' own links fail, to every target, and recover
	LastMile      Verdict = "last_mile"
	CollectorPath Verdict = "collector_path" // the path to a collector fails
	Forged        Verdict = "forged"         // the reports are made up
	TooThin       Verdict = "too_thin"       // there is too little evidence for any other verdict
)

// EventKind is what happened to an incident.
type EventKind uint8

// The kinds of [Event].
const (
	Opened  EventKind = 1
	Changed EventKind = 2 // its scope, outcome, title or numbers changed
	Cleared EventKind = 3
)

// String returns "opened", "changed" or "cleared", and "unknown" for any other value.
func (k EventKind) String() string {
	switch k {
	case Opened:
		return "opened"
	case Changed:
		return "changed"
	case Cleared:
		return "cleared"
	default:
		return "unknown"
	}
}

// Event is a change of one incident. The receiver owns the Incident and its slices.
type Event struct {
	Kind     EventKind
	Incident Incident
}
