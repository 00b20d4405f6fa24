package model

import (
	"slices"
	"strconv"
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
	Verdict Verdict          // the cause; empty if a release without verdicts stored it

	Page bool // whether it is to alert people now
	Late bool // told by reports of the past, or judged too late to do anything; never pages

	Scope  Scope     // the best explanation of who is affected; may change while it is open
	Others []Scope   // further explanations, the best first
	Share  float64   // part of the failures above the expected that Scope explains, 0 to 1
	Since  time.Time // estimated start of the fault
	Until  time.Time // end of the last abnormal bin; zero while open
	// Reopened is how often the fault came back within an hour of its end.
	Reopened int
	Severity float64 // failures above the expected since the start

	// The numbers of the worst minutes within the scope.

	Failed   float64 // reported failures; of [SlowAnswers], slow requests
	Requests float64 // estimated requests, including failures
	Expected float64 // failures that would have been normal
	Clients  int     // distinct clients with failures, as they call themselves
	Buckets  int     // distinct address prefixes that these failures were reported from; 0: unknown
	Networks int     // and distinct networks; 0: unknown

	// Of [SlowAnswers]: the time beyond which requests are slow, 0 if unknown, and the share of the
	// requests that usually is, from 0 to 1.
	SlowerThan  time.Duration
	UsuallySlow float64

	Title    string   // one sentence: what fails, where, for whom and how often
	Evidence []Signal // the strongest evidence first
}

// ReceiptUnkept is the Outcome of an incident of a collector that has signed for batches which
// never came. It is the outcome of no request.
const ReceiptUnkept report.Outcome = "receipt.unkept"

// Slow is the Outcome of an incident of [SlowAnswers]. It is the outcome of no request.
const Slow report.Outcome = "slow"

// Collector is the id of the collector that an incident of [DeliveryApp] is about; empty
// for others.
func (i *Incident) Collector() string {
	if i.App != DeliveryApp {
		return ""
	}
	return strings.TrimPrefix(i.Target, CollectorTarget)
}

// An incident about a vantage of a prober is one of ProberApp, and its Target is VantageTarget and
// the vantage's id.
const (
	ProberApp     = "heliograph-prober"
	VantageTarget = "vantage:"
)

// NothingDelivered is the Outcome of an incident of a vantage that delivers no results. It is the
// outcome of no request.
const NothingDelivered report.Outcome = "vantage.silent"

// Vantage is the id of the vantage that the incident is about; empty for others.
func (i *Incident) Vantage() string {
	if i.Verdict != VantageSilent {
		return ""
	}
	return strings.TrimPrefix(i.Target, VantageTarget)
}

// ObjectiveApp is the App of an incident about an error budget, whose Target is that of the
// objective.
const ObjectiveApp = "heliograph-objective"

// budgetOutcome is what the Outcome of an incident about an error budget begins with. It is the
// outcome of no request.
const budgetOutcome = "objective."

// BudgetOutcome returns the Outcome of an incident about an error budget, such as "objective.page",
// or "objective.slow.page" if the objective is about durations.
func BudgetOutcome(o *Objective, a ObjectiveAlert) report.Outcome {
	if o.Within > 0 {
		return report.Outcome(budgetOutcome + "slow." + string(a))
	}
	return report.Outcome(budgetOutcome + string(a))
}

// Objective returns how urgent an incident about an error budget is; ObjectiveMet for others.
func (i *Incident) Objective() ObjectiveAlert {
	if i.Verdict != BudgetBurns {
		return ObjectiveMet
	}
	return ObjectiveAlert(i.Outcome[strings.LastIndexByte(string(i.Outcome), '.')+1:])
}

// Pages reports whether the incident is to alert people. One without a verdict does: it was stored
// by a release that alerted people of all.
func (i *Incident) Pages() bool { return !i.Late && (i.Page || i.Verdict == "") }

// Open reports whether the incident is still going on.
func (i *Incident) Open() bool { return i.Until.IsZero() }

// Clone returns a copy of i that shares no slices with it.
func (i *Incident) Clone() Incident {
	c := *i
	c.Scope = i.Scope.Clone()
	c.Others = slices.Clone(i.Others)
	for k := range c.Others {
		c.Others[k] = c.Others[k].Clone()
	}
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
	// the probers have not judged the servers since the failures began
	SignalProbesPending SignalCode = "probes_pending"
	SignalScope         SignalCode = "scope"      // what the scope says about the cause
	SignalDeliveries    SignalCode = "deliveries" // whether the clients reach the collectors
	SignalEverywhere    SignalCode = "everywhere" // clients fail at every target and recover
	SignalSources       SignalCode = "sources"    // how few sources report
	SignalSurge         SignalCode = "surge"      // sources report more than they usually do
	SignalMissing       SignalCode = "missing"    // what is too little to act on
	SignalLate          SignalCode = "late"       // told by reports of the past
	SignalInside        SignalCode = "inside"     // a part fails wholly where a wider incident has a part fail
)

// Scope describes who is affected by an incident: the requests that have, for each list that is not
// empty, one of its values. The lists are sorted. The zero Scope means everyone.
type Scope struct {
	ASNs       []uint32 // of the clients
	Countries  []string // likewise
	Servers    []string // address and port
	Versions   []string // of the application
	Systems    []string // operating systems
	Protocols  []string // ALPN ids
	Statuses   []uint16 // of HTTP
	Collectors []string // that the reports came through
}

// Everyone reports whether the scope is unlimited.
func (s Scope) Everyone() bool {
	return len(s.ASNs) == 0 && len(s.Countries) == 0 && len(s.Servers) == 0 && len(s.Versions) == 0 && len(s.Systems) == 0 &&
		len(s.Protocols) == 0 && len(s.Statuses) == 0 && len(s.Collectors) == 0
}

// Equal reports whether s and o describe the same scope.
func (s Scope) Equal(o Scope) bool {
	return slices.Equal(s.ASNs, o.ASNs) && slices.Equal(s.Countries, o.Countries) && slices.Equal(s.Servers, o.Servers) &&
		slices.Equal(s.Versions, o.Versions) && slices.Equal(s.Systems, o.Systems) && slices.Equal(s.Protocols, o.Protocols) &&
		slices.Equal(s.Statuses, o.Statuses) && slices.Equal(s.Collectors, o.Collectors)
}

// Clone returns a copy of s that shares no slices with it.
func (s Scope) Clone() Scope {
	return Scope{slices.Clone(s.ASNs), slices.Clone(s.Countries), slices.Clone(s.Servers), slices.Clone(s.Versions), slices.Clone(s.Systems),
		slices.Clone(s.Protocols), slices.Clone(s.Statuses), slices.Clone(s.Collectors)}
}

// Counted reports whether the requests of a series are within the networks, countries, servers and
// protocols of the scope. Series do not have the other properties of a scope, or have them only
// after a failure.
func (s Scope) Counted(o Series) bool {
	return within(s.ASNs, o.ASN) && within(s.Countries, o.Country) && within(s.Servers, o.Server) && within(s.Protocols, o.Protocol)
}

// within reports whether a list that is not empty has v.
func within[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// Words puts the scope into words that follow "fail": "from AS64502 at 192.0.2.1:443",
// "for everyone". names, which may be nil, gives networks their names, or "".
func (s Scope) Words(names func(asn uint32) string) string {
	var parts []string
	add := func(before string, list []string) {
		if len(list) > 0 {
			parts = append(parts, before+join(list))
		}
	}
	var networks []string
	for _, asn := range s.ASNs {
		networks = append(networks, networkWords(asn, names))
	}
	add("from ", networks)
	add("from ", s.Countries)
	add("at ", s.Servers)
	add("in version ", s.Versions)
	add("on ", s.Systems)
	add("over ", s.Protocols)
	var statuses []string
	for _, n := range s.Statuses {
		statuses = append(statuses, strconv.Itoa(int(n)))
	}
	add("with status ", statuses)
	add("as told to collector ", s.Collectors)
	if len(parts) == 0 {
		return "for everyone"
	}
	return strings.Join(parts, " ")
}

// SlowWords returns one sentence about an incident of [SlowAnswers]: "shop.example answers slowly
// for Ridge Mobile (AS64502): 38 % of the requests take longer than 2 s, usually 1 %".
func (i *Incident) SlowWords(names func(asn uint32) string) string {
	who := " " + i.Scope.Words(names)
	if i.Scope.Everyone() {
		who = "" // at first, too little is known of who is hit
	}
	if only := (Scope{ASNs: i.Scope.ASNs}); only.Equal(i.Scope) && len(only.ASNs) > 0 {
		who = " for " + strings.TrimPrefix(who, " from ")
	}
	beyond := "too long"
	if i.SlowerThan > 0 {
		beyond = "longer than " + DurationWords(i.SlowerThan)
	}
	return strings.TrimPrefix(i.Target, "https://") + " answers slowly" + who + ": " + percent(i.Failed/max(i.Requests, i.Failed, 1)) +
		" of the requests take " + beyond + ", usually " + percent(i.UsuallySlow)
}

// percent is a share in words: "38 %", "0.5 %".
func percent(share float64) string {
	digits := 0
	if share < 0.0095 && share > 0 {
		digits = 1
	}
	return strconv.FormatFloat(100*share, 'f', digits, 64) + " %"
}

// networkWords is "AS64502" or "Harbour Net (AS64502)".
func networkWords(asn uint32, names func(asn uint32) string) string {
	number := "AS" + strconv.FormatUint(uint64(asn), 10)
	if names == nil || names(asn) == "" {
		return number
	}
	return names(asn) + " (" + number + ")"
}

// mostWords is how many values a list in words names before it says "and 7 more".
const mostWords = 3

// join is "a, b and c".
func join(list []string) string {
	n := len(list)
	switch {
	case n == 1:
		return list[0]
	case n > mostWords+1:
		return strings.Join(list[:mostWords], ", ") + " and " + strconv.Itoa(n-mostWords) + " more"
	default:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
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
	LastMile Verdict = "last_mile"
	// requests succeed, and more of them than usual take too long
	SlowAnswers   Verdict = "slow"
	CollectorPath Verdict = "collector_path" // the path to a collector fails
	Forged        Verdict = "forged"         // the reports are made up
	// a vantage of the probers delivers nothing, which says nothing about the service
	VantageSilent Verdict = "vantage_silent"
	// an error budget is spent too fast, which says nothing about the cause
	BudgetBurns Verdict = "budget_burns"
	TooThin     Verdict = "too_thin" // there is too little evidence for any other verdict
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
