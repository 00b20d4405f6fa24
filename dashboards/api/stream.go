package api

import "time"

// Section is a part of the stream that a reader may ask for.
type Section string

// The sections, in the order in which they are sent.
const (
	SectionNow          Section = "now"          // the headline
	SectionTotals       Section = "totals"       // by outcome, network and collector
	SectionIncidents    Section = "incidents"    // of the last day, 200 at most
	SectionServers      Section = "servers"      // counts, and tags that say when to ask for more
	SectionReachability Section = "reachability" // networks × time, 100 networks at most
	SectionReports      Section = "reports"      // the latest samples
)

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
