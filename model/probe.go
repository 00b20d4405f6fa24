package model

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// ProbeTarget is a server that is probed, and where it stands.
type ProbeTarget struct {
	Name       string // the same from every vantage
	Address    string // "192.0.2.1:443"
	Kind       string // of probe: "http", "tcp"
	DataCentre string
	Cluster    string
	Row        string
}

// ProbeResult is one attempt of one vantage at one target.
type ProbeResult struct {
	Vantage    string // id of the place that was probed from
	VantageASN uint32 // 0: unknown
	Target     ProbeTarget
	At         time.Time        // when the attempt ended
	Judgement  report.Judgement // of the target by the vantage, after this attempt
	Outcome    report.Outcome
	Steps      []ProbeStep // in order; the attempt ended in the last
	Family     uint8       // IP version of the address that was tried: 4 or 6; 0: none was
	Server     string      // address and port that was tried last; "": none was
	Protocol   string      // ALPN id
	Status     uint16      // of HTTP; 0: none
}

// ProbeStep is one step of an attempt.
type ProbeStep struct {
	Name string // "dns", "connect", "tls"
	Took time.Duration
}

// ProbeQuery selects probe results.
type ProbeQuery struct {
	Target  string // its name; "": any
	Vantage string // "": any
	Since   time.Time
	Limit   int // 0 means 100
}
