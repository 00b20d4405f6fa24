package api

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Incident is a span of time in which requests to one target failed abnormally.
type Incident struct {
	ID int64 `json:"id"`
	// One sentence: what, where, whom, how many.
	Title string `json:"title"`
	// The application; "heliograph" when a collector does not take reports.
	App    string `json:"app"`
	Target string `json:"target"`
	// Outcome of most of the failures.
	Outcome report.Outcome `json:"outcome"`
	// Further outcomes of the same fault.
	Also  []report.Outcome `json:"also"`
	Scope Scope            `json:"scope"`
	Since time.Time        `json:"since"`
	// End of the last abnormal time; absent while the incident is open.
	Until time.Time `json:"until,omitzero"`
	// Failures in the worst evaluation window.
	Failed float64 `json:"failed"`
	// Requests in that window, failures among them.
	Requests float64 `json:"requests"`
	// Failures that were to be expected there.
	Expected float64 `json:"expected"`
	// Distinct clients with failures.
	Clients int `json:"clients"`
	// Sentences, the strongest first.
	Evidence []string `json:"evidence"`
}

// Scope says whom an incident hits; when all lists are empty, everyone.
type Scope struct {
	Networks  []Network `json:"networks"`
	Countries []string  `json:"countries"`
	// Address and port.
	Servers []string `json:"servers"`
}

// Network names an autonomous system.
type Network struct {
	// 0: unknown.
	ASN uint32 `json:"asn"`
	// Absent when unknown.
	Name string `json:"as_name,omitempty"`
}
