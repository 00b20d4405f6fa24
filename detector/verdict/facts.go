package verdict

import "github.com/heliograph-net/heliograph/report"

// Facts are what is known of one incident. Zero fields mean that nothing is known, and speak for no
// verdict.
type Facts struct {
	Target   string    // what fails, for the sentences
	Delivery bool      // the requests are deliveries to a collector, not the application's
	Late     bool      // told by reports of the past
	Outcomes []Outcome // of the failures beyond expectation, in any order

	Scope     Scope // who is hit
	Inside    Count // the requests within the scope
	Elsewhere Count // all other requests

	Breadth Breadth
	Needed  Breadth // the least breadth that is acted on
	// NeededExcess is the least number of failures beyond expectation that is acted on.
	NeededExcess float64
	// Missing names what else is too little to act on, as in "2 of 3 bins".
	Missing []string

	Clients   Clients
	Reporters Reporters
	Vantages  []Vantage
	// Strange is the share of the failures that servers gave which nobody asked before
	// the incident.
	Strange float64
	// Collectors are those that the clients within the scope tried to deliver to.
	Collectors []Collector

	// NetworkName returns the name of a network, or "". It may be nil.
	NetworkName func(asn uint32) string
}

// Scope is who is hit: those of whom each list that is not empty has their value. The zero Scope is
// everyone.
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

// Everyone reports whether the scope names nobody.
func (s *Scope) Everyone() bool {
	return !s.network() && !s.release() && len(s.Servers)+len(s.Protocols)+len(s.Statuses)+len(s.Collectors) == 0
}

// network reports whether the scope names where clients are.
func (s *Scope) network() bool { return len(s.ASNs)+len(s.Countries) > 0 }

// release reports whether the scope names what clients run.
func (s *Scope) release() bool { return len(s.Versions)+len(s.Systems) > 0 }

// Outcome is one kind of failure, and how many failures beyond expectation it has.
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

// Breadth is how widely failures are spread. It counts what is distinct.
type Breadth struct {
	Clients  int // tokens, which clients choose
	Buckets  int // address prefixes, as the collector saw them
	Networks int // autonomous systems, likewise
}

// Clients is how the clients fare that are hit. Shares are 0 to 1.
type Clients struct {
	Active     int     // clients with any requests within the scope, hit or not; 0 if unknown
	Targets    int     // distinct targets that those hit asked for
	Everywhere float64 // share of those hit for which every target failed
	Recovered  float64 // share of those hit whose requests have succeeded since
	// Offline is the share of those hit whose reports did not reach any collector either until they
	// recovered.
	Offline float64
}

// Reporters is where the failures' reports come from. A source is a bucket of one network: one
// machine is one source, however many clients it claims to be.
type Reporters struct {
	Sources int
	Loudest float64 // share of the failures that the loudest source reports, 0 to 1
	Fresh   float64 // share of the failures that sources report which were never heard of before
	// requests that these sources report, over those that they usually report; 0 if unknown
	Surge  float64
	Tokens int      // clients that one source claims to be, at most
	ASNs   []uint32 // networks of the sources that report most of the failures
	Others Count    // requests within the scope that the other sources report
}

// Vantage is what a prober at one place finds of the servers within the scope.
type Vantage struct {
	Name string
	ASN  uint32 // 0 if unknown
	Up   int    // servers that it reaches
	Down int    // servers that it does not reach, while its witnesses answer
}

// Collector is how deliveries to one collector fare.
type Collector struct {
	ID        string
	Delivered float64
	Failed    float64
}
