package api

import "time"

// Section is a part of the stream that a reader can select.
type Section string

// The sections, in the order in which they are sent.
const (
	SectionNow          Section = "now"          // the headline
	SectionCurve        Section = "curve"        // how what the headline is about fared over time
	SectionTotals       Section = "totals"       // sums by outcome, network and collector
	SectionIncidents    Section = "incidents"    // those of the last day, at most 200
	SectionServers      Section = "servers"      // counts, and tags that tell when to ask for more
	SectionReachability Section = "reachability" // networks × time, 100 networks at most
	SectionReports      Section = "reports"      // the latest samples
	SectionObjectives   Section = "objectives"   // how the objectives fare
	SectionParts        Section = "parts"        // how collectors, vantages and the detector fare
	SectionMutes        Section = "mutes"        // mutes by scope that hold or are planned
)

// Snapshot is the first event of a stream. Sections that were not selected are absent. Each later
// event has the name of one member and carries its new value.
type Snapshot struct {
	Clock Clock `json:"clock"`
	// Null as long as the store can be read.
	Trouble      *Trouble        `json:"trouble"`
	Now          *Now            `json:"now,omitempty"`
	Curve        *Curve          `json:"curve,omitempty"`
	Totals       *Totals         `json:"totals,omitempty"`
	Incidents    []Incident      `json:"incidents,omitzero"`
	Servers      *ServersSummary `json:"servers,omitempty"`
	Reachability *Reachability   `json:"reachability,omitempty"`
	Reports      []Report        `json:"reports,omitzero"`
	Objectives   []Objective     `json:"objectives,omitzero"`
	Parts        []Part          `json:"parts,omitzero"`
	Mutes        []ScopeMute     `json:"mutes,omitzero"`
}

// Clock is the server's time, from which the reader calculates how long ago something was.
type Clock struct {
	Now time.Time `json:"now"`
}

// Trouble means that what the stream has sent is out of date.
type Trouble struct {
	// When the store became unreadable.
	Since time.Time `json:"since"`
}
