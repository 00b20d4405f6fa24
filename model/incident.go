package model

import (
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Incident is a span of time in which requests to one target failed abnormally.
type Incident struct {
	ID      int64
	App     string // DeliveryApp when a collector does not take batches
	Target  string
	Outcome report.Outcome   // of most of the abnormal failures; may be refined while it is open
	Also    []report.Outcome // further outcomes of the same fault, present and past, sorted
	Verdict Verdict          // what the cause is; "": not judged

	Scope Scope     // who and where; may be refined while the incident is open
	Since time.Time // start of the first abnormal bin
	Until time.Time // end of the last abnormal bin; zero: open

	// The worst evaluation window within the scope.

	Failed   float64 // raw failures
	Requests float64 // estimated requests, failures among them
	Expected float64 // failures that were to be expected
	Clients  int     // distinct clients with failures

	Title    string   // one sentence: what, where, whom, how many
	Evidence []string // sentences, the strongest first
}

// Open reports whether the incident goes on.
func (i *Incident) Open() bool { return i.Until.IsZero() }

// Clone is an Incident that shares no slice with i.
func (i *Incident) Clone() Incident {
	c := *i
	c.Scope = i.Scope.Clone()
	c.Also = slices.Clone(i.Also)
	c.Evidence = slices.Clone(i.Evidence)
	return c
}

// Scope says whom an incident hits: clients in any of ASNs or Countries, or requests to any of
// Servers. At most one of the lists is not empty; when all are, everyone is hit.
type Scope struct {
	ASNs      []uint32 // sorted
	Countries []string // sorted
	Servers   []string // sorted; address and port
}

// Everyone reports whether the scope is not limited.
func (s Scope) Everyone() bool {
	return len(s.ASNs) == 0 && len(s.Countries) == 0 && len(s.Servers) == 0
}

// Equal reports whether two scopes hit the same.
func (s Scope) Equal(o Scope) bool {
	return slices.Equal(s.ASNs, o.ASNs) && slices.Equal(s.Countries, o.Countries) &&
		slices.Equal(s.Servers, o.Servers)
}

// Clone is a Scope that shares no slice with s.
func (s Scope) Clone() Scope {
	return Scope{slices.Clone(s.ASNs), slices.Clone(s.Countries), slices.Clone(s.Servers)}
}

// Verdict says what the cause of an incident is. The empty Verdict says that nobody has judged.
type Verdict string

// The verdicts.
const (
	ServiceDown Verdict = "service_down" // the service fails, for everyone
	ServerGroup Verdict = "server_group" // one server does, or several
	NetworkPath Verdict = "network_path" // the way from some networks
	DNS         Verdict = "dns"          // names do not resolve
	Certificate Verdict = "certificate"  // a certificate is refused
	Release     Verdict = "release"      // one version of the application
	Protocol    Verdict = "protocol"     // one protocol, such as HTTP/3
	// the clients' own links: they fail everywhere and come back
	LastMile      Verdict = "last_mile"
	CollectorPath Verdict = "collector_path" // the way to a collector
	Forged        Verdict = "forged"         // reports that are made up
	TooThin       Verdict = "too_thin"       // too little is known to call it anything
)

// EventKind says what happened to an incident.
type EventKind uint8

// The kinds of [Event].
const (
	Opened  EventKind = 1
	Changed EventKind = 2 // scope, outcome, title or numbers were refined
	Cleared EventKind = 3
)

// String is "opened", "changed" or "cleared".
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

// Event is a change of one incident. The receiver owns Incident and its slices.
type Event struct {
	Kind     EventKind
	Incident Incident
}
