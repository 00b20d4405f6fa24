package dashboards

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
)

// Options of a Dashboard.
type Options struct {
	Reader  model.Reader // required
	Servers *heatmap.Map // nil: no servers are probed
	// optional: name of a network, "" when unknown; called by many goroutines
	NetworkName func(asn uint32) string

	// Thresholds are the detector's in force, which headlines name. nil: there is no detector
	Thresholds func() judge.Thresholds

	Retention time.Duration // how far back queries may reach. 0 means 30 days
	Window    time.Duration // what the live totals sum up. 0 means 15 minutes
	// width of a column of the live reachability grid, which has 60; at least a second. 0 means
	// one minute
	Step       time.Duration
	MaxStreams int // live streams at one time; more are refused. 0 means 64

	// Hosts are further names, without port, by which the dashboard may be asked for, such as
	// "status.example". IP addresses and localhost always may. A listener on a loopback address
	// refuses all other names, because a name that suddenly points there is how a foreign page
	// would read this one (DNS rebinding); other listeners refuse them only if Hosts is not empty.
	Hosts []string

	Logger *slog.Logger // nil: logs nothing
}

const (
	defaultRetention  = 30 * 24 * time.Hour
	defaultWindow     = 15 * time.Minute
	defaultStep       = time.Minute
	defaultMaxStreams = 64
)

// validate fills in the defaults and joins all faults.
func (o *Options) validate() error {
	setDefault(&o.Retention, defaultRetention)
	setDefault(&o.Window, defaultWindow)
	setDefault(&o.Step, defaultStep)
	setDefault(&o.MaxStreams, defaultMaxStreams)
	if o.Thresholds == nil {
		o.Thresholds = func() judge.Thresholds { return judge.Thresholds{} }
	}
	if o.NetworkName == nil {
		o.NetworkName = func(uint32) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var faults []error
	if o.Reader == nil {
		faults = append(faults, errors.New("Reader is missing"))
	}
	if o.Window < 0 || o.Retention < o.Window {
		faults = append(faults, fmt.Errorf("Window must be positive and at most Retention (%v), is %v", o.Retention, o.Window))
	}
	if o.Step < time.Second || liveSteps*o.Step > o.Retention {
		faults = append(faults, fmt.Errorf("Step must be at least a second and %d of them at most Retention, is %v", liveSteps, o.Step))
	}
	if o.MaxStreams < 0 {
		faults = append(faults, fmt.Errorf("MaxStreams must not be negative, is %d", o.MaxStreams))
	}
	if err := httpx.Hosts(o.Hosts).Check(); err != nil {
		faults = append(faults, fmt.Errorf("Hosts: %w", err))
	}
	return errors.Join(faults...)
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Dashboard is the page and its API. It is safe for concurrent use.
type Dashboard struct {
	o       Options
	boot    string // random: tells the tags of this process from those of another
	handler http.Handler
	live    *live
	past    past
	ran     atomic.Bool
	hosts   atomic.Pointer[httpx.Hosts]
}

// New checks the options. It starts nothing: streams stay empty until Run.
func New(o Options) (*Dashboard, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	if o.Servers == nil {
		none, err := heatmap.NewTopology(nil)
		if err != nil {
			return nil, fmt.Errorf("dashboards: making an empty topology: %w", err)
		}
		o.Servers = heatmap.NewMap(none)
	}
	var boot [8]byte
	rand.Read(boot[:]) // never fails
	d := &Dashboard{o: o, boot: hex.EncodeToString(boot[:])}
	d.hosts.Store((*httpx.Hosts)(&o.Hosts))
	d.live = newLive(d)
	d.handler = d.guard(d.routes())
	return d, nil
}

// SetHosts replaces Options.Hosts. On an error the names from before stay. It is safe for
// concurrent use.
func (d *Dashboard) SetHosts(hosts []string) error {
	next := httpx.Hosts(slices.Clone(hosts))
	if err := next.Check(); err != nil {
		return fmt.Errorf("dashboards: Hosts: %w", err)
	}
	d.hosts.Store(&next)
	return nil
}

// ServeHTTP answers one request.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// Run feeds the streams, and rests while there are none. When ctx ends it ends all streams, refuses
// new ones and returns nil; other requests are answered as before. End it before the listener,
// which would wait for the streams. It may be called once.
func (d *Dashboard) Run(ctx context.Context) error {
	if d.ran.Swap(true) {
		return errors.New("dashboards: Run may be called once")
	}
	d.live.run(ctx)
	return nil
}
