package model

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// ErrQuery says that a query asks for something that does not exist, such as a dimension of another
// name.
var ErrQuery = errors.New("bad query")

// MaxRows bounds the answer to any query. A query with a larger limit, or with none, gets this many
// rows at most.
const MaxRows = 10_000

// Reader is what dashboards ask. Implementations are safe for concurrent use. Every answer has at
// most [MaxRows] rows.
type Reader interface {
	// Totals sums requests; see TotalsQuery. The largest number of failures comes first.
	Totals(ctx context.Context, q TotalsQuery) ([]Total, error)
	// Samples returns single requests, newest first.
	Samples(ctx context.Context, q SampleQuery) ([]Sample, error)
	// Incidents returns those that are open, and those that were open at some time since; open ones
	// first, then newest first.
	Incidents(ctx context.Context, since time.Time) ([]Incident, error)
	// Reachability sums applications' requests by origin network and time, in steps from since on;
	// step is at least a second. Steps without requests are absent.
	Reachability(ctx context.Context, since time.Time, step time.Duration) ([]Reach, error)
	// Servers sums applications' requests by server, the most failures first.
	Servers(ctx context.Context, since time.Time) ([]ServerCount, error)
	// ProbeResults returns attempts of probes, newest first.
	ProbeResults(ctx context.Context, q ProbeQuery) ([]ProbeResult, error)
	// Batch tells what is stored of a batch; found is false when it is not (or no longer) known.
	Batch(ctx context.Context, id report.BatchID) (b BatchInfo, found bool, err error)
	// Batches counts stored batches received since.
	Batches(ctx context.Context, since time.Time) (uint64, error)
}

// TotalsQuery selects and groups requests. A bin counts when it ends after Since and not after
// Until.
type TotalsQuery struct {
	Since time.Time
	Until time.Time      // zero: no end
	By    Dimensions     // empty: one row for everything
	Type  report.Outcome // this outcome and those below it; "": any
	// Delivery asks for deliveries to collectors (app DeliveryApp) instead of the applications'
	// requests. The two are never summed.
	Delivery bool
	Limit    int // 0 means MaxRows
}

// Total is a sum over one group.
type Total struct {
	Key     Series     // what the group has in common; only the dimensions in By are set
	By      Dimensions // as asked for
	OK      float64    // estimated requests that succeeded
	Failed  float64    // estimated requests that did not
	Clients uint64     // distinct clients; a client counts anew every UTC day
}

// SampleQuery selects samples.
type SampleQuery struct {
	Type   report.Outcome // this outcome and those below it; "": any
	Target string         // origin of the request; "": any
	Since  time.Time
	Limit  int // 0 means 100
}

// Reach sums the requests from one network in one step of time.
type Reach struct {
	At     time.Time // start of the step
	ASN    uint32
	OK     float64 // estimated requests
	Failed float64
}

// ServerCount sums the requests whose last try went to one server.
type ServerCount struct {
	Server string  // address and port
	OK     float64 // estimated requests
	Failed float64
}

// BatchInfo is what is stored of a batch besides its counts and samples.
type BatchInfo struct {
	Feed     string    // name of the feed that it came from first
	Received time.Time // by the collector's clock
	App      string    // of the first header
	Records  int       // of known kinds
}
