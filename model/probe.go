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
	Version    string      // of the prober; empty if unknown
}

// Ended returns the name of the step in which the attempt ended, or "" if none was begun.
func (r *ProbeResult) Ended() string {
	if len(r.Steps) == 0 {
		return ""
	}
	return r.Steps[len(r.Steps)-1].Name
}

// ProbedServer is what the vantages hold of one server now, each by its latest result.
type ProbedServer struct {
	Target ProbeTarget
	Reach  ProbeReach
	Since  time.Time // when Reach began; zero if unknown
	Found  []Finding // of each vantage, sorted by its name
}

// ProbeReach says for whom a server is down.
type ProbeReach string

// The reaches.
const (
	ProbesGlobal  ProbeReach = "global"  // down for all
	ProbesLocal   ProbeReach = "local"   // some networks do not reach it, and others do
	ProbesUnknown ProbeReach = "unknown" // no vantage has a conclusion
	ProbesUp      ProbeReach = "up"
)

// Finding is what one vantage holds of a server.
type Finding struct {
	// ProbeResult is the latest result. Steps, Server and what follows may be missing if the
	// attempt succeeded.
	ProbeResult
	Began time.Time // of the first result in a row that was judged like this; zero if unknown
	Holds bool      // whether the result is still valid, and counts
}

// ProbedQuery selects servers.
type ProbedQuery struct {
	Server string     // name; empty for any
	Reach  ProbeReach // empty for any
	Limit  int        // most servers; 0 for none, but their number
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
