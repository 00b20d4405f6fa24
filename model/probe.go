package model

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// ProbeTarget is a server that is probed, and its location.
type ProbeTarget struct {
	Name       string // the same from every vantage
	Address    string // "192.0.2.1:443"
	Kind       string // kind of probe: "http", "tcp"
	Region     string
	DataCentre string
	Cluster    string
	Row        string
}

// ProbeResult is the result of one attempt to reach one target from one vantage.
type ProbeResult struct {
	Vantage    string // id of the vantage
	VantageASN uint32 // 0 if unknown
	Target     ProbeTarget
	At         time.Time        // when the attempt ended
	Judgement  report.Judgement // what the vantage holds of the target after this attempt
	Outcome    report.Outcome
	Steps      []ProbeStep // in order; the attempt ended in the last
	Family     uint8       // IP version of the address that was tried, 4 or 6; 0 if none was
	Server     string      // address and port that were tried last; empty if none was
	Protocol   string      // ALPN id
	Status     uint16      // HTTP status; 0 if none
}

// ProbeStep is one step of an attempt.
type ProbeStep struct {
	Name string // "dns", "connect", "tls"
	Took time.Duration
}

// ProbeQuery selects probe results.
type ProbeQuery struct {
	Target  string // name of the target; empty for any
	Vantage string // id of the vantage; empty for any
	Since   time.Time
	Limit   int // 0 means 100
}
