package model

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Sample is one request in detail, or a group of application errors: then Outcome lies under "app"
// or "browser", and what belongs to requests is empty. URL, if any, is then the page's.
type Sample struct {
	At       time.Time // when it ended
	App      string
	Version  string
	OS       string
	Source   report.Source
	Target   string // origin of URL
	URL      string // scrubbed by the agent
	Method   string
	Outcome  report.Outcome
	Phase    report.Phase
	Protocol string
	Server   string
	Status   uint16
	Elapsed  time.Duration
	TraceID  [16]byte // all zero: none
	Flags    report.Flags
	ASN      uint32
	Country  string

	// Of application errors only.

	ErrorType   string
	Message     string   // scrubbed by the agent; empty without consent to diagnostics
	Stack       string   // a line per call, the innermost first: "main.run main.go:17"; as Message
	Fingerprint [16]byte // which errors are one problem; all zero: no application error
	Count       uint64   // how many of them this tells of; 0 for a request

	// Client is the short form of the client's token of the day, by which a deletion notice finds
	// the sample. Stores keep it and readers do not return it.
	Client uint64
}
