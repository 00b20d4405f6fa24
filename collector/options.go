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

// Networks tells the autonomous system and country (ISO 3166-1 alpha-2) of an address; 0 and "ZZ"
// when it does not know. It is called concurrently and must not keep the address.
type Networks interface {
	Lookup(addr netip.Addr) (asn uint32, country string)
}

// Options describe a Collector.
type Options struct {
	ID       string   // the collector's id in the policy, see policy.Collector
	Inbox    Inbox    // required; stays the caller's, who closes it after Run
	Settings Settings // what Reload can replace

	Logger *slog.Logger // nil: logs nothing
	// nil: registered nowhere. Every metric has the label collector=ID; Run unregisters them
	// at its end
	Metrics prometheus.Registerer

	// uploads whose body is read or waits for the inbox at one time; more are shed. 0 means 1024
	MaxUploads int
	// memory for their bodies; when it is used up, uploads are shed. 0 means 64 MiB
	MaxBodyBytes int64
	// uploads are shed while the inbox needs longer than this for those before them, a tenth of it
	// if their queue never empties. 0 means 5 s
	MaxQueueDelay time.Duration
	UploadTimeout time.Duration // an upload's body must have arrived within this. 0 means 10 s
	// an upload that the inbox has not stored within this is told to come later. 0 means 10 s
	CommitTimeout time.Duration
	// the least delay asked of agents that are shed, twice as much at most; more under pressure, an
	// hour at most. 0 means 5 s
	SlowDown time.Duration
	Limits   Limits // of one client network
}

const (
	defaultMaxUploads    = 1024
	defaultMaxBodyBytes  = 64 << 20
	defaultMaxQueueDelay = 5 * time.Second
	defaultUploadTimeout = 10 * time.Second
	defaultCommitTimeout = 10 * time.Second
	defaultSlowDown      = 5 * time.Second
	maxSlowDown          = time.Hour
	minBodyBytes         = 1 << 20 // room for the largest body that is allowed
)

// validate joins all faults and fills in the defaults. Settings are checked by Reload.
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
	return errors.Join(faults...)
}

// checkID asks the codec, for an id that it refuses would spoil every batch for the feed.
func checkID(id string) error {
	_, err := report.AppendEnvelope(nil, &report.Envelope{
		Seq: 1, Batch: report.BatchID{1}, Received: 1, Collector: id, Country: unknownCountry, Segment: []byte{0},
	})
	return err
}

// Limits bound what one client network may send: a /24 of IPv4 or a /48 of IPv6. Networks are told
// apart by a hash of their prefix, under a random key that is replaced every hour; hash and key are
// in memory only. Addresses of this host (127.0.0.0/8, ::1) have no limits.
type Limits struct {
	Requests float64 // uploads per second; ten times as many at once. 0 means 200
	Bytes    float64 // bytes of bodies per second; ten times as many at once. 0 means 4 MiB
	Uploads  int     // uploads in flight. 0 means a quarter of MaxUploads
	// networks per second that were not seen before; ten times as many at once. 0 means 2000
	NewNetworks float64
}

func (l *Limits) limiter() *httpx.Limiter {
	return httpx.NewLimiter(httpx.Limits{Requests: l.Requests, Bytes: l.Bytes, InFlight: l.Uploads, NewNetworks: l.NewNetworks})
}
