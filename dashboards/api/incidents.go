package api

import (
	"time"

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
	Also  []report.Outcome `json:"also"`
	Scope Scope            `json:"scope"`
	Since time.Time        `json:"since"`
	// End of the incident; absent while it is open.
	Until time.Time `json:"until,omitzero"`
	// Failures in the worst evaluation window.
	Failed float64 `json:"failed"`
	// Requests in that window, including failures.
	Requests float64 `json:"requests"`
	// Failures that would have been normal in that window.
	Expected float64 `json:"expected"`
	// Distinct clients with failures.
	Clients int `json:"clients"`
	// Sentences, the strongest evidence first.
	Evidence []string `json:"evidence"`
}

// Scope describes who is affected by an incident. If all lists are empty, everyone is.
type Scope struct {
	Networks  []Network `json:"networks"`
	Countries []string  `json:"countries"`
	// Address and port.
	Servers []string `json:"servers"`
}

// Network names an autonomous system.
type Network struct {
	// 0 if unknown.
	ASN uint32 `json:"asn"`
	// Absent if unknown.
	Name string `json:"as_name,omitempty"`
}
