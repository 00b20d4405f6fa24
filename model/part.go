package model

import "time"

// Part is a part of the way of reports that can fail by itself: a collector, a prober's vantage or
// the detector.
type Part struct {
	Kind  PartKind
	Name  string // empty for the detector
	State PartState
	// what is wrong and what to do about it, without a full stop; empty if nothing is
	Text  string
	Since time.Time // when the state began; zero if unknown
	Heard time.Time // when something last came from it; zero if unknown
}

// PartKind is what a [Part] is.
type PartKind string

// The kinds of parts.
const (
	PartCollector PartKind = "collector"
	PartVantage   PartKind = "vantage"
	PartDetector  PartKind = "detector"
)

// PartState is how a [Part] fares.
type PartState string

// The states of parts.
const (
	PartWorks    PartState = "works"
	PartImpaired PartState = "impaired" // it does less than it should
	PartFails    PartState = "fails"
)
