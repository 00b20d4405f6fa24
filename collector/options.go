package collector

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/report"
)

// Networks looks up the autonomous system and the country (ISO 3166-1 alpha-2) of an address. They
// are 0 and "ZZ" if unknown. It is called concurrently and must not retain the address.
type Networks interface {
	Lookup(addr netip.Addr) (asn uint32, country string)
}

// Options are the options of a [Collector]. ID, Inbox and Settings.ReceiptKey are required.
type Options struct {
	ID       string   // the collector's id in the policy, see policy.Collector
	Inbox    Inbox    // required; the caller closes it after Run
	Settings Settings // the options that Reload can replace

	Logger *slog.Logger // nil: no logging
	// nil: not registered. Every metric has the label collector=ID. Run unregisters the metrics
	// when it returns
	Metrics prometheus.Registerer
	// Trace is called at the end of each step of each batch, concurrently. It must not block. nil:
	// nothing is traced.
	Trace func(Trace)

	// maximum number of uploads whose body is being read or waits for the inbox; further ones are
	// shed. 0 means 1024
	MaxUploads int
	// memory for their bodies; uploads are shed when it is used up. 0 means 64 MiB
	MaxBodyBytes int64
	// uploads are shed while the inbox needs longer than this for earlier ones, or longer than a
	// tenth of this if the queue never empties. 0 means 5 s
	MaxQueueDelay time.Duration
	UploadTimeout time.Duration // the time in which an upload's body must arrive. 0 means 10 s
	// the time in which the inbox must store an upload, or the client is told to come later. 0
	// means 10 s
	CommitTimeout time.Duration
	// the shortest delay that is asked of agents whose uploads are shed. The delay is random, up to
	// twice as long, and longer under pressure, up to an hour. 0 means 5 s
	SlowDown time.Duration
	// the part of the inbox's room in use at which agents begin to be asked to come later, above 0
	// and up to 1. 1 means never: uploads are tried until the inbox refuses them, and a detector
	// that is behind slows nobody down. 0 means 0.75
	SlowDownAt float64
	Limits     Limits // for one client network
}

const (
	defaultMaxUploads    = 1024
	defaultMaxBodyBytes  = 64 << 20
	defaultMaxQueueDelay = 5 * time.Second
	defaultUploadTimeout = 10 * time.Second
	defaultCommitTimeout = 10 * time.Second
	defaultSlowDown      = 5 * time.Second
	maxSlowDown          = time.Hour
	defaultSlowDownAt    = .75
	minBodyBytes         = 1 << 20 // room for the largest permitted body
)

// validate fills in the defaults and returns all faults, joined. Reload checks the Settings.
func (o *Options) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("collector: "+format, args...)) }
	if err := checkID(o.ID); err != nil {
		fault("ID: %w", err)
	}
	if o.Inbox == nil {
		fault("Inbox is missing")
	}
	if o.MaxUploads < 0 || o.MaxQueueDelay < 0 || o.UploadTimeout < 0 || o.CommitTimeout < 0 {
		fault("MaxUploads, MaxQueueDelay, UploadTimeout and CommitTimeout must not be negative")
	}
	if o.MaxBodyBytes != 0 && o.MaxBodyBytes < minBodyBytes {
		fault("MaxBodyBytes must be at least %d, is %d", minBodyBytes, o.MaxBodyBytes)
	}
	if l := o.Limits; l.Requests < 0 || l.Bytes < 0 || l.Uploads < 0 || l.NewNetworks < 0 {
		fault("Limits must not be negative")
	}
	if o.SlowDown < 0 || o.SlowDown > maxSlowDown {
		fault("SlowDown must be 0 to %v, is %v", maxSlowDown, o.SlowDown)
	}
	if !(o.SlowDownAt >= 0 && o.SlowDownAt <= 1) {
		fault("SlowDownAt must be 0 to 1, is %v", o.SlowDownAt)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MaxUploads = cmp.Or(o.MaxUploads, defaultMaxUploads)
	o.MaxBodyBytes = cmp.Or(o.MaxBodyBytes, defaultMaxBodyBytes)
	o.MaxQueueDelay = cmp.Or(o.MaxQueueDelay, defaultMaxQueueDelay)
	o.Limits.Requests = cmp.Or(o.Limits.Requests, 200)
	o.Limits.Bytes = cmp.Or(o.Limits.Bytes, 4<<20)
	o.Limits.Uploads = cmp.Or(o.Limits.Uploads, max(1, o.MaxUploads/4))
	o.Limits.NewNetworks = cmp.Or(o.Limits.NewNetworks, 2000)
	o.UploadTimeout = cmp.Or(o.UploadTimeout, defaultUploadTimeout)
	o.CommitTimeout = cmp.Or(o.CommitTimeout, defaultCommitTimeout)
	o.SlowDown = cmp.Or(o.SlowDown, defaultSlowDown)
	o.SlowDownAt = cmp.Or(o.SlowDownAt, defaultSlowDownAt)
	return errors.Join(faults...)
}

// checkID checks the id with the codec of envelopes, because an id that it refuses would make every
// batch unreadable.
func checkID(id string) error {
	_, err := report.AppendEnvelope(nil, &report.Envelope{
		Seq: 1, Batch: report.BatchID{1}, Received: 1, Collector: id, Country: unknownCountry, Segment: []byte{0},
	})
	return err
}

// Limits limit what one client network may send: a /24 of IPv4 or a /48 of IPv6. Networks are
// identified by a hash of their prefix under a random key that is replaced every hour. Hash and key
// are only in memory. Addresses of this host (127.0.0.0/8 and ::1) have no limits.
type Limits struct {
	Requests float64 // uploads per second, with bursts of ten times as many. 0 means 200
	Bytes    float64 // bytes of bodies per second, with bursts of ten times as many. 0 means 4 MiB
	Uploads  int     // uploads in flight. 0 means a quarter of MaxUploads
	// networks per second that were not seen before, with bursts of ten times as many. 0 means 2000
	NewNetworks float64
}

func (l *Limits) limiter() *httpx.Limiter {
	return httpx.NewLimiter(httpx.Limits{Requests: l.Requests, Bytes: l.Bytes, InFlight: l.Uploads, NewNetworks: l.NewNetworks})
}
