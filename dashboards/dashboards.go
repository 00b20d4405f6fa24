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
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
)

// Options configures a [Dashboard].
type Options struct {
	Reader  model.Reader // required
	Servers *heatmap.Map // nil means that no servers are probed
	Past    Past         // how Servers was; nil means that this is not kept
	Probes  Probes       // why servers are down; nil means that this is not known
	// VantageCountries has the two letters of the country that a vantage of probers is in, by the
	// vantage's id. It places vantages on the map of the world.
	VantageCountries map[string]string
	// returns the name of a network, or "" if unknown; optional; must be safe for concurrent use
	NetworkName func(asn uint32) string

	// Thresholds returns the present thresholds of the detector, which headlines mention. nil means
	// that there is no detector.
	Thresholds func() judge.Thresholds
	// Doubts returns why the detector does not judge what fails, by target. nil means that it does.
	Doubts func() map[string]string

	// Objectives returns how the objectives fare, sorted by target; nil means that there are none.
	// It must be safe for concurrent use.
	Objectives func() []model.ObjectiveStatus
	// Parts returns how the detector, collectors and vantages fare; nil means no detector. It must
	// be safe for concurrent use.
	Parts func() []model.Part
	// Journal keeps what people do about incidents; nil means that nothing is kept.
	Journal Journal
	// Mutes keeps mutes by scope; nil means that there are none.
	Mutes Mutes
	// Gate compares two releases of an application; nil means that nobody can. Its error may wrap
	// model.ErrQuery. It must be safe for concurrent use.
	Gate func(ctx context.Context, q model.GateQuery) (model.Gate, error)
	// Installation is how everything around is set up; nil means that nobody knows.
	Installation Installation
	// Consents returns what can be known of users' consent; nil means nothing. It must be safe for
	// concurrent use.
	Consents func() api.Consents
	// Blindness returns what keeps the detector from seeing now. nil means nothing, or no detector.
	Blindness func() judge.Blindness

	Retention time.Duration // how far back queries may reach; 0 means 30 days
	Window    time.Duration // the time that the live totals cover; 0 means 15 minutes
	// width of each of the 60 columns of the live reachability grid; at least a second; 0 means one
	// minute
	Step       time.Duration
	MaxStreams int // most live streams at a time; 0 means 64
	// LeastClients is the least number of distinct clients of a cell that is shown (k-anonymity).
	// How many cells are not shown is said. Sums over everybody are always shown. 0 means 1.
	LeastClients int
	// TraceURL is the address of a trace in the service's own tracing, with [TraceID] in the place
	// of the trace's id; "" means that traces are not linked. See [CheckTraceURL].
	TraceURL string

	// Hosts are further host names, without port, that requests to the dashboard may use, such as
	// "status.example". Requests may always use IP addresses and localhost. A listener on a
	// loopback address refuses all other names, to protect against DNS rebinding. Other listeners
	// refuse them only if Hosts is not empty.
	Hosts []string

	// Access decides who may look and who may change something. nil means everybody may, which is
	// right for a listener that only people of this host reach.
	Access *access.Gate

	// StatusPage returns the URL at which the public reads of incidents, or "". nil means that
	// there is no status page.
	StatusPage func() string
	// Runbooks is the URL of the directory of runbooks, one for each verdict; "" means none.
	Runbooks string

	Logger *slog.Logger // nil means no logging
}

const (
	defaultRetention  = 30 * 24 * time.Hour
	defaultWindow     = 15 * time.Minute
	defaultStep       = time.Minute
	defaultMaxStreams = 64
)

// validate fills in the defaults and returns all faults, joined.
func (o *Options) validate() error {
	setDefault(&o.Retention, defaultRetention)
	setDefault(&o.Window, defaultWindow)
	setDefault(&o.Step, defaultStep)
	setDefault(&o.MaxStreams, defaultMaxStreams)
	setDefault(&o.LeastClients, 1)
	if o.Thresholds == nil {
		o.Thresholds = func() judge.Thresholds { return judge.Thresholds{} }
	}
	if o.Doubts == nil {
		o.Doubts = func() map[string]string { return nil }
	}
	if o.Objectives == nil {
		o.Objectives = func() []model.ObjectiveStatus { return nil }
	}
	if o.Parts == nil {
		o.Parts = func() []model.Part { return nil }
	}
	if o.StatusPage == nil {
		o.StatusPage = func() string { return "" }
	}
	if o.Blindness == nil {
		o.Blindness = func() judge.Blindness { return judge.Blindness{} }
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
	if o.LeastClients < 0 {
		faults = append(faults, fmt.Errorf("LeastClients must not be negative, is %d", o.LeastClients))
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

// Dashboard serves the page and its API. It is safe for concurrent use.
type Dashboard struct {
	o       Options
	boot    string // random; distinguishes the tags of this process from those of others
	handler http.Handler
	costly  chan struct{} // held by requests that read much
	waiting *httpx.Slots  // of such requests
	live    *live
	past    past
	old     oldTopology
	told    toldServers
	ran     atomic.Bool
	testing sync.Mutex // held while a test alert is sent
	hosts   atomic.Pointer[httpx.Hosts]
}

// New returns a Dashboard with the given options, or an error that names every invalid option. It
// starts nothing; streams stay empty until [Dashboard.Run] is called.
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
	d := &Dashboard{o: o, boot: hex.EncodeToString(boot[:]),
		costly: make(chan struct{}, maxCostly), waiting: httpx.NewSlots(maxWaiting)}
	d.hosts.Store((*httpx.Hosts)(&o.Hosts))
	d.live = newLive(d)
	files, err := readPage()
	if err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	d.handler = d.guard(d.routes(files))
	return d, nil
}

// SetHosts replaces Options.Hosts. With an error, it changes nothing.
func (d *Dashboard) SetHosts(hosts []string) error {
	next := httpx.Hosts(slices.Clone(hosts))
	if err := next.Check(); err != nil {
		return fmt.Errorf("dashboards: Hosts: %w", err)
	}
	d.hosts.Store(&next)
	return nil
}

// ServeHTTP implements [http.Handler].
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// Run feeds the streams; while there are none, it does nothing. When ctx ends, it ends all streams,
// refuses new ones and returns nil. Other requests are still answered. End Run before the listener,
// which would wait for the streams. Run may be called once.
func (d *Dashboard) Run(ctx context.Context) error {
	if d.ran.Swap(true) {
		return errors.New("dashboards: Run may be called once")
	}
	d.live.run(ctx)
	return nil
}
