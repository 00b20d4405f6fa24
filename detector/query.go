package detector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Dimensions by which Totals groups.
const (
	ByType     = "type" // the outcome
	ByApp      = "app"
	ByTarget   = "target"
	ByASN      = "asn" // decimal; "0": unknown
	ByCountry  = "country"
	ByServer   = "server"
	ByProtocol = "protocol"
	ByStatus   = "status" // decimal; "0": none
	BySource   = "source" // "agent", "browser"
)

// Dimensions are all dimensions of Totals, in the order in which they are documented.
var Dimensions = []string{ByType, ByApp, ByTarget, ByASN, ByCountry, ByServer, ByProtocol, ByStatus, BySource}

// MaxRows bounds the answer to any query. A query with a larger limit, or with none, gets this many rows at most.
const MaxRows = 10_000

// Reader is what dashboards ask. Implementations are safe for concurrent use. Every answer has at most MaxRows rows.
type Reader interface {
	// Totals sums requests; see TotalsQuery. The largest number of failures comes first.
	Totals(ctx context.Context, q TotalsQuery) ([]Total, error)
	// Samples returns single requests, newest first.
	Samples(ctx context.Context, q SampleQuery) ([]Sample, error)
	// Incidents returns those that are open, and those that were open at some time since, open ones first, then newest first.
	Incidents(ctx context.Context, since time.Time) ([]Incident, error)
	// Reachability sums applications' requests by origin network and time, in steps from since on; step is at least a second.
	// Steps without requests are absent.
	Reachability(ctx context.Context, since time.Time, step time.Duration) ([]Reach, error)
	// Servers sums applications' requests by server, the most failures first.
	Servers(ctx context.Context, since time.Time) ([]ServerCount, error)
	// Batch tells what is stored of a batch; found is false when it is not (or no longer) known.
	Batch(ctx context.Context, id report.BatchID) (b BatchInfo, found bool, err error)
	// Batches counts stored batches received since.
	Batches(ctx context.Context, since time.Time) (uint64, error)
}

// TotalsQuery selects and groups requests. A bin counts when it ends after Since and not after Until.
type TotalsQuery struct {
	Since time.Time
	Until time.Time      // zero: no end
	By    []string       // dimensions; none: one row for everything. An unknown one is ErrQuery
	Type  report.Outcome // this outcome and those below it; "": any
	// Delivery asks for deliveries to collectors (app DeliveryApp) instead of the applications' requests. The two are never summed.
	Delivery bool
	Limit    int // 0 means MaxRows
}

// Total is a sum over one group.
type Total struct {
	Dims    map[string]string // one value per dimension asked for
	OK      float64           // estimated requests that succeeded
	Failed  float64           // estimated requests that did not
	Clients uint64            // distinct clients; a client counts anew every UTC day, and only for as long as sightings are kept
}

// SampleQuery selects samples.
type SampleQuery struct {
	Type   report.Outcome // this outcome and those below it; "": any
	Target string         // origin of the request; "": any
	Since  time.Time
	Limit  int // 0 means 100
}

// Sample is one request in detail, or a group of application errors: then Outcome lies under "app" or "browser", and what belongs to
// requests is empty. URL, if any, is then the page's.
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

	// Client is the short form of the client's token of the day, by which a deletion notice finds the sample. Stores keep it and
	// readers do not return it.
	Client uint64
}

// Reach sums the requests from one network in one step of time.
type Reach struct {
	At     time.Time // start of the step
	ASN    uint32
	OK     float64
	Failed float64
}

// ServerCount sums the requests whose last try went to one server.
type ServerCount struct {
	Server string // address and port
	OK     float64
	Failed float64
}

// BatchInfo is what is stored of a batch besides its counts and samples.
type BatchInfo struct {
	Source   string    // name of the Source that it came from first
	Received time.Time // by the collector's clock
	App      string
	Records  int
}
