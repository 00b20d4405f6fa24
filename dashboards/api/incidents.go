package api

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Incident is a period in which requests to one target failed abnormally.
type Incident struct {
	ID int64 `json:"id"`
	// One sentence: what fails, where, for whom and how often.
	Title string `json:"title"`
	// The application; "heliograph" if a collector does not accept reports.
	App    string `json:"app"`
	Target string `json:"target"`
	// Outcome of most of the failures.
	Outcome report.Outcome `json:"outcome"`
	// Other outcomes of the same fault.
	Also []report.Outcome `json:"also"`
	// The cause in one word; absent if a release without verdicts stored the incident.
	Verdict model.Verdict `json:"verdict,omitempty"`
	// Whether the incident alerts people now.
	Page bool `json:"page"`
	// Told by reports of the past; such an incident never alerts anybody.
	Late bool `json:"late"`
	// The best explanation of who is affected.
	Scope Scope `json:"scope"`
	// Further explanations, the best first.
	Others []Scope `json:"others"`
	// The part of the failures above the normal ones that Scope explains, 0 to 1.
	Share float64 `json:"share"`
	// Estimated start of the fault.
	Since time.Time `json:"since"`
	// End of the incident; absent while it is open.
	Until time.Time `json:"until,omitzero"`
	// How often the fault came back within an hour of its end.
	Reopened int `json:"reopened"`
	// Failures above the normal ones since the start.
	Severity float64 `json:"severity"`
	// Failures in the worst minutes within the scope.
	Failed float64 `json:"failed"`
	// Requests in these minutes, including failures.
	Requests float64 `json:"requests"`
	// Failures that would have been normal in these minutes.
	Expected float64 `json:"expected"`
	// Distinct clients with failures, as they call themselves.
	Clients int `json:"clients"`
	// Distinct address prefixes that the failures were reported from; 0 if unknown.
	Buckets int `json:"buckets"`
	// Distinct networks that the failures were reported from; 0 if unknown.
	Networks int `json:"networks"`
	// Sentences, the strongest evidence first.
	Evidence []string `json:"evidence"`
	// The same sentences with what they are about.
	Signals []Signal `json:"signals"`
	// Somebody has taken the incident over; absent if not.
	Acknowledged bool `json:"acknowledged,omitempty"`
	// Nobody is alerted of the incident now; absent if it is not muted.
	Muted *Mute `json:"muted,omitempty"`
	// What people did about it, the oldest first.
	Notes []Note `json:"notes,omitempty"`
	// How many acts (notes of other kinds than "note") are not kept, because there were too many
	// later ones.
	NotesDropped int `json:"notes_dropped,omitempty"`
	// Incidents of the same target and scope before it, the latest first, at most 5.
	Earlier []int64 `json:"earlier,omitempty"`
}

// Mute says that nobody is alerted of an incident for a while.
type Mute struct {
	Until time.Time `json:"until"`
	// Empty if nobody said.
	Who    string `json:"who"`
	Reason string `json:"reason"`
	// Number of the mute by scope that covers the incident; absent if it was muted itself, or the
	// same fault before.
	Number int64 `json:"number,omitempty"`
}

// Signal is one piece of evidence.
type Signal struct {
	// What it is about, in one word; absent if a release without codes stored it.
	Code model.SignalCode `json:"code,omitempty"`
	// One sentence.
	Text string `json:"text"`
}

// Scope describes who is affected by an incident: the requests that have, for each list that is not
// empty, one of its values. If all lists are empty, everyone is.
type Scope struct {
	Networks  []Network `json:"networks"`
	Countries []string  `json:"countries"`
	// Address and port.
	Servers []string `json:"servers"`
	// Of the application.
	Versions []string `json:"versions"`
	// Operating systems.
	Systems []string `json:"systems"`
	// ALPN ids.
	Protocols []string `json:"protocols"`
	// HTTP statuses.
	Statuses []uint16 `json:"statuses"`
	// Collectors that the reports came through.
	Collectors []string `json:"collectors"`
}

// Network names an autonomous system.
type Network struct {
	// 0 if unknown.
	ASN uint32 `json:"asn"`
	// Absent if unknown.
	Name string `json:"as_name,omitempty"`
}
