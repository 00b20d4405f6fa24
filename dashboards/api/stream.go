package api

import "time"

// Section is a part of the stream that a reader may ask for.
type Section string

// The sections, in the order in which they are sent.
const (
	SectionNow          Section = "now"
	SectionTotals       Section = "totals"
	SectionIncidents    Section = "incidents"
	SectionServers      Section = "servers"
	SectionReachability Section = "reachability"
	SectionReports      Section = "reports"
)

// Sections are all there are, in the order in which they are sent.
func Sections() []Section {
	return []Section{SectionNow, SectionTotals, SectionIncidents, SectionServers, SectionReachability, SectionReports}
}

// Snapshot is the first event of a stream. A section that was not asked for is absent. Later events
// carry one member each, by its name.
type Snapshot struct {
	Clock Clock `json:"clock"`
	// Null while the store can be read.
	Trouble      *Trouble        `json:"trouble"`
	Now          *Now            `json:"now,omitempty"`
	Totals       *Totals         `json:"totals,omitempty"`
	Incidents    []Incident      `json:"incidents,omitzero"`
	Servers      *ServersSummary `json:"servers,omitempty"`
	Reachability *Reachability   `json:"reachability,omitempty"`
	Reports      []Report        `json:"reports,omitzero"`
}

// Clock tells the server's time, by which the reader says how long ago something was.
type Clock struct {
	Now time.Time `json:"now"`
}

// Trouble says that what the stream sends is old.
type Trouble struct {
	// Since when the store cannot be read.
	Since time.Time `json:"since"`
}
