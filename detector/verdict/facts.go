package verdict

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Facts are what is known about one incident. A zero field means that nothing is known, and
// supports no verdict.
type Facts struct {
	Target   string    // what fails, as sentences name it
	Delivery bool      // the requests are deliveries to a collector, not the application's
	Late     bool      // the reports came long after the failures
	Outcomes []Outcome // of the failures beyond expectation, in any order

	Scope     Scope   // who is hit
	Covered   float64 // share of the failures beyond expectation that the scope has; 0 if unknown
	Early     bool    // the failures began less than a minute ago
	Wider     bool    // found where a wider incident has a part of the requests fail
	Inside    Count   // the requests within the scope
	Elsewhere Count   // all other requests

	Breadth Breadth
	Needed  Breadth // the least breadth on which an alert may rest
	// NeededExcess is the least number of failures beyond expectation on which an alert may rest.
	NeededExcess float64
	// Missing names other evidence of which there is too little, such as "2 of 3 bins".
	Missing []string

	Clients   Clients
	Reporters Reporters
	Vantages  []Vantage
	// AtUp is the share of the failures that came from servers that the probers do not find down,
	// among those from servers that they have judged.
	AtUp float64
	// Strange is the share of the failures that came from servers to which no requests went before
	// the incident.
	Strange float64
	// Redirected is the share of the failures that are none: the requests succeeded, at
	// such servers.
	Redirected float64
	// Collectors are the collectors to which the clients within the scope tried to deliver.
	Collectors []Collector

	// Of slow requests, which are the failures then: the time beyond which they are slow, 0 if
	// unknown, and the share of the requests that usually is, from 0 to 1.
	SlowerThan  time.Duration
	UsuallySlow float64

	// NetworkName returns the name of a network, or "". It may be nil.
	NetworkName func(asn uint32) string
}

// Scope is who is hit: the requests that have one of the values of each list that is not empty. The
// zero Scope means everyone.
type Scope struct {
	ASNs       []uint32
	Countries  []string
	Servers    []string
	Versions   []string
	Systems    []string // operating systems
	Protocols  []string
	Statuses   []uint16
	Collectors []string
}

// Everyone reports whether the scope is everyone.
func (s *Scope) Everyone() bool {
	return !s.network() && !s.release() && len(s.Servers)+len(s.Protocols)+len(s.Statuses)+len(s.Collectors) == 0
}

// network reports whether the scope says where clients are.
func (s *Scope) network() bool { return len(s.ASNs)+len(s.Countries) > 0 }

// release reports whether the scope says what clients run.
func (s *Scope) release() bool { return len(s.Versions)+len(s.Systems) > 0 }

// Outcome is one outcome and its number of failures beyond expectation.
type Outcome struct {
	Outcome report.Outcome
	Excess  float64
}

// Count counts requests.
type Count struct {
	Failed   float64
	Requests float64 // failures included
	Expected float64 // failures that would have been usual
}

func (c Count) excess() float64 { return c.Failed - c.Expected }

// Breadth says how widely failures are spread. It counts distinct values.
type Breadth struct {
	Clients  int // tokens, which clients choose
	Buckets  int // address prefixes, as the collector saw them
	Networks int // autonomous systems, as the collector saw them
}

// Clients describes the clients that are hit. Shares are from 0 to 1.
type Clients struct {
	Active     int     // clients with any requests within the scope, hit or not; 0 if unknown
	Targets    int     // distinct targets that the clients that are hit made requests to
	Everywhere float64 // share of the clients that are hit for which every target failed
	Recovered  float64 // share of the clients that are hit whose requests have succeeded since
	// Offline is the share of the clients that are hit whose reports also reached no collector
	// until they recovered.
	Offline float64
	// Looping is the share of the failures that clients have that fail far more often than clients
	// usually make requests: they retry in a loop.
	Looping float64
}

// Reporters describes the sources of the failures' reports. A source is a bucket of one network. A
// machine is one source, however many clients it claims to be.
type Reporters struct {
	Sources int
	Loudest float64 // share of the failures that the loudest source reports, 0 to 1
	Fresh   float64 // share of the failures whose sources had never reported before
	// number of requests that these sources report, divided by their usual number; 0 if unknown
	Surge  float64
	Tokens int      // the most clients that one source claims to be
	ASNs   []uint32 // networks of the sources that report most of the failures
	Others Count    // requests within the scope that the other sources report
}

// Vantage is what a prober at one place finds about the servers within the scope.
type Vantage struct {
	Name string
	ASN  uint32 // 0 if unknown
	Up   int    // servers that it reaches
	Down int    // servers that it does not reach, while its witnesses answer

	// Before says that all of this is from before the first failure.
	Before bool
}

// Collector describes the deliveries to one collector.
type Collector struct {
	ID        string
	Delivered float64
	Failed    float64
}
