package model

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// ErrQuery is returned, wrapped, for a query about something that does not exist, such as an
// unknown dimension.
var ErrQuery = errors.New("bad query")

// MaxRows is the most rows in the answer to any query, whatever limit the query sets.
const MaxRows = 10_000

// CostError says that a query would read or keep more than a store does for one query.
type CostError struct {
	Of    string     // what there would be too much of: "sums", "series" or "groups"
	Most  int        // of that
	Since time.Time  // if not zero, a query since then would be answered
	By    Dimensions // if not empty, fewer of these dimensions would do
}

// Error says what to narrow.
func (e *CostError) Error() string {
	text := fmt.Sprintf("the query would read more than %d %s; ask for a shorter time", e.Most, e.Of)
	if !e.Since.IsZero() {
		text += ", since " + e.Since.UTC().Format(time.RFC3339) + " at most"
	}
	if e.By != 0 {
		text += ", for one target, or by fewer of the dimensions " + e.By.String()
	}
	return text
}

// Reader answers the queries of dashboards. Implementations are safe for concurrent use. Every
// answer has at most [MaxRows] rows. Totals, Reachability, Curve and Servers show what a place
// reports up to a limit, see package detector/shown. They may return a [*CostError] instead of
// reading very much.
type Reader interface {
	// Totals sums requests by group; see TotalsQuery. Groups with the most failures come first.
	Totals(ctx context.Context, q TotalsQuery) ([]Total, error)
	// Samples returns single requests, newest first.
	Samples(ctx context.Context, q SampleQuery) ([]Sample, error)
	// Incidents returns the incidents that have been open at any time after since: the open ones
	// first, then the newest first.
	Incidents(ctx context.Context, since time.Time) ([]Incident, error)
	// Reachability sums the applications' requests by where they come from and time, in steps that
	// start at q.Since. Steps without requests are left out.
	Reachability(ctx context.Context, q ReachQuery) ([]Reach, error)
	// Curve sums requests by time, in steps that start at q.Since. Steps without requests are left
	// out.
	Curve(ctx context.Context, q CurveQuery) ([]CurvePoint, error)
	// Servers sums the applications' requests by server, the most failures first.
	Servers(ctx context.Context, since time.Time) ([]ServerCount, error)
	// ProbeResults returns the results of probes, newest first.
	ProbeResults(ctx context.Context, q ProbeQuery) ([]ProbeResult, error)
	// Rollups sums the applications' requests by minute or hour, and group. The earliest step comes
	// first. The latest minutes may be missing, because rollups are made of what was judged.
	Rollups(ctx context.Context, q RollupQuery) ([]Rollup, error)
	// Fingerprints returns causes of application errors, those with the latest errors first.
	Fingerprints(ctx context.Context, q FingerprintQuery) ([]Fingerprint, error)
	// Latencies returns how long requests took that succeeded, by target and step, for the targets
	// that the detector was told of. The earliest step comes first.
	Latencies(ctx context.Context, q LatencyQuery) ([]LatencyStep, error)
	// Batch describes a stored batch. If the batch is not, or no longer, known, found is false.
	Batch(ctx context.Context, id report.BatchID) (b BatchInfo, found bool, err error)
	// Batches counts the stored batches that were received after since.
	Batches(ctx context.Context, since time.Time) (uint64, error)
}

// TotalsQuery selects and groups requests. It selects the bins that end after Since and not after
// Until.
type TotalsQuery struct {
	Since  time.Time
	Until  time.Time      // zero for no end
	By     Dimensions     // empty for one row that sums everything
	Type   report.Outcome // this outcome and those below it; empty for any
	Target string         // origin of the requests; empty for any
	Scope  Scope          // see [Scope.Counted]; the zero Scope selects all
	// Picked selects the requests that have these values in the dimensions of PickedBy; empty for
	// all.
	Picked   Series
	PickedBy Dimensions
	// Delivery selects the deliveries to collectors, whose App is [DeliveryApp], instead of the
	// applications' requests. The two are never summed.
	Delivery bool
	Limit    int // 0 means MaxRows
}

// Total is the sum over one group of requests.
type Total struct {
	Key     Series     // the group's values; only the dimensions in By are set
	By      Dimensions // as in the query
	OK      float64    // estimated requests that succeeded
	Failed  float64    // estimated requests that failed
	Clipped float64    // reported beyond what one place counts for, and in neither of the two
	Clients uint64     // distinct clients, as they claim; a client counts again every UTC day
	Places  uint64     // distinct buckets, as collectors saw them; likewise; 0 if unknown
}

// SampleQuery selects samples from Since on, and before Until.
type SampleQuery struct {
	Type   report.Outcome // this outcome and those below it; empty for any
	Target string         // origin of the request; empty for any
	Scope  Scope          // as in TotalsQuery
	// Text is a query of package model/search for fields and words; empty for any. If it is not
	// one, the error wraps ErrQuery.
	Text  string
	Since time.Time
	Until time.Time // zero for no end
	Limit int       // 0 means 100
}

// ReachQuery selects the bins that end after Since and not after Until.
type ReachQuery struct {
	Since  time.Time
	Until  time.Time     // zero for no end
	Step   time.Duration // at least a second
	Target string        // origin of the requests; empty for any
	// Countries asks for sums by country instead of by client network.
	Countries bool
}

// Reach is the sum of the requests from one client network or country in one step of time.
type Reach struct {
	At      time.Time // start of the step
	ASN     uint32    // 0 in sums by country
	Country string    // two letters, "ZZ" if unknown; "" in sums by network
	OK      float64   // estimated requests
	Failed  float64
	// Clients is the number of distinct clients, as they claim; a client counts again
	// every UTC day.
	Clients uint64
}

// CurveQuery selects requests whose failures are wanted over time. It selects the bins that end
// after Since and not after Until.
type CurveQuery struct {
	Since    time.Time
	Until    time.Time      // zero for no end
	Step     time.Duration  // at least a second
	Type     report.Outcome // failures of this outcome and those below it; empty for any
	Target   string         // origin of the requests; empty for any
	Scope    Scope          // see [Scope.Counted]; the zero Scope selects all
	Delivery bool           // as in TotalsQuery
	Clients  bool           // count the clients, too, which costs more
}

// CurvePoint is the sum of the requests of one step of time.
type CurvePoint struct {
	At     time.Time // start of the step
	OK     float64   // estimated requests
	Failed float64
	// Clients is the number of distinct clients, as they claim; a client counts again every
	// UTC day. It is 0 unless it was asked for.
	Clients uint64
}

// ServerCount is the sum of the requests whose last attempt went to one server.
type ServerCount struct {
	Server string  // address and port
	OK     float64 // estimated requests
	Failed float64
	// Clients is as in Reach.
	Clients uint64
}

// BatchInfo describes a stored batch.
type BatchInfo struct {
	Feed     string    // name of the feed that brought it first
	Received time.Time // by the collector's clock
	App      string    // from the first header
	Records  int       // number of records of known kinds
}
