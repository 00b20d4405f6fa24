package model

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Sample is one request in detail, or a group of application errors. For application errors,
// Error is set, Outcome lies under "app" or "browser", URL is that of the page, and the other
// fields about requests are zero.
type Sample struct {
	At       time.Time // end of the request, or time of the last error
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
	TraceID  [16]byte // all zero if none
	Flags    report.Flags
	ASN      uint32
	Country  string

	Error ApplicationError // zero for a request

	// Client is the short form of the client's daily token. A deletion notice finds the sample by
	// it. Stores keep it; readers do not return it.
	Client uint64
}

// ApplicationError is a group of an application's errors with one cause.
type ApplicationError struct {
	Type    string
	Message string // of the first; scrubbed by the agent; empty without consent to diagnostics
	// one line per call, innermost first, such as "main.run main.go:17"; may be empty like Message
	Stack       string
	Fingerprint [16]byte // the same for errors with one cause; never all zero
	Count       uint64   // number of errors, at least 1
}
