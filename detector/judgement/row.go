package judgement

import "github.com/heliograph-net/heliograph/report"

// Row is what one client says of one kind of request in one window. The strings are the client's
// words: any value is taken, in bounded number.
type Row struct {
	// At is when the last of the requests ended, in Unix milliseconds. The others ended within the
	// minute before it.
	At int64
	// Arrived is when a collector had the report, in Unix milliseconds. 0 means At.
	Arrived int64

	App      string
	Version  string
	OS       string
	Target   string
	Outcome  report.Outcome
	Protocol string // "" if the request did not get that far
	Status   uint16 // HTTP status, 0 if none
	Server   string // address and port, "" if none was reached
	Source   report.Source

	// What the collector saw of the client and added.

	ASN       uint32        // 0 if unknown
	Country   string        // model.UnknownCountry if unknown
	Collector string        // its name
	Bucket    report.Bucket // of the client's address prefix, of one UTC day; 0 if unknown

	Client    uint64  // the token of one UTC day
	Raw       uint64  // requests that were reported
	Estimated float64 // requests that they stand for

	// Took, if it is not nil, says how long the requests took, which succeeded and of which other
	// rows tell all the rest. It has at most Raw of them. If it is empty, they were fast or, if
	// Outcome is model.Slow, slow.
	Took *report.Histogram
}

// Probe is what one vantage found of one server.
type Probe struct {
	At         int64 // when it ended, in Unix milliseconds
	Vantage    string
	VantageASN uint32
	Server     string // address and port
	Outcome    report.Outcome
	// Unsettled says that the vantage is still to find out whether a failure lasts. The server
	// counts as neither up nor down.
	Unsettled bool
	// Sure says that the vantage has asked its witnesses and does not doubt itself. Without it, a
	// vantage that reaches nothing at all may be cut off.
	Sure bool
}
