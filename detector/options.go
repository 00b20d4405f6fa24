package detector

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/wallclock"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Options of a Detector.
type Options struct {
	Feeds  map[string]Feed // by a name that stays the same over restarts; at least one
	Events Events          // required; stays the caller's, who closes it after Run has returned
	State  State           // likewise
	Keys   *seal.Keyring   // required; opens the batches

	Bin time.Duration // width of a bin, at least a second, a divisor of 24 h. 0 means one minute
	// how long after its end a bin waits for reports before it is evaluated. 0 means 30 s
	Grace  time.Duration
	MaxAge time.Duration // an event older than this is moved to this age. 0 means report.MaxAge
	// pause before a feed that had nothing, and cannot tell when it has, is asked again. 0
	// means a second
	Poll       time.Duration
	Thresholds Thresholds // what an incident takes at least
	Retention  Retention  // how long data is kept

	// ReceiptTime is how long after a client has named a receipt the batch may come, before it
	// counts against the collector that signed for it; at least, and longer when its feed is
	// behind. 0 means 15 minutes.
	ReceiptTime time.Duration

	// Vantages are the ids of the places that are believed when results of probes come through a
	// feed: anybody can write to a collector, and nobody but the operator knows these. Results of
	// others are dropped and counted. Results that AddProbes is given are believed.
	Vantages []string
	// how long the last judgement of a vantage holds without a new one. 0 means 2 minutes
	ProbesHold time.Duration
	// ProbesAgree is how many networks must find a server down before it is down for all, see
	// [vantages.Rule]. 0 means vantages.DefaultAgree
	ProbesAgree int
	// optional: name of a network, "" when unknown; called by one goroutine
	NetworkName func(asn uint32) string
	Logger      *slog.Logger          // nil: logs nothing
	Metrics     prometheus.Registerer // nil: metrics are kept but registered nowhere

	clock wallclock.Source // nil: the system's; for tests
}

// Probes tells what probes see of a server. It is called by one goroutine and must not block.
type Probes interface {
	// ServerDown says whether the server at address and port is down; known is false when it is not
	// probed or the probes doubt themselves.
	ServerDown(server string) (down, known bool)
}

// Thresholds are what it takes at least to call something an incident. A zero field means
// its default.
type Thresholds struct {
	// minus the natural logarithm of the probability that chance does it, after overdispersion.
	// 0 means 14
	Evidence float64
	Excess   float64 // raw failures above the expected. 0 means 10
	Ratio    float64 // failures, and failing clients, over the expected. 0 means 1.5
	Clients  int     // distinct clients with failures. 0 means 24
	// distinct networks, when not one network alone is hit; see SeriesDetector. 0 means 3
	Networks int
	// distinct places (report.Bucket) with failures, also within one network, where collectors tell
	// places. One host may have four: an IPv4 and an IPv6 address at two collectors. 0 means 5
	Places  int
	Window  int // bins over which excess, clients and networks are counted, at most 16. 0 means 3
	Hot     int // bins out of Window that must be abnormal. 0 means 2
	Clear   int // consecutive normal bins with requests after which an incident is over. 0 means 3
	Silence int // bins without requests after which an incident is over. 0 means 60
}

// setDefaults fills in the defaults.
func (f *Thresholds) setDefaults() {
	def(&f.Evidence, 14)
	def(&f.Excess, 10)
	def(&f.Ratio, 1.5)
	def(&f.Clients, 24)
	def(&f.Networks, 3)
	def(&f.Places, 5)
	def(&f.Window, 3)
	def(&f.Hot, 2)
	def(&f.Clear, 3)
	def(&f.Silence, 60)
}

func (f *Thresholds) validate() error {
	f.setDefaults()
	var faults []error
	if !(f.Evidence > 0 && f.Excess > 0 && f.Ratio > 1) {
		faults = append(faults, errors.New("Thresholds: Evidence and Excess must be positive, Ratio above 1"))
	}
	if f.Clients < 1 || f.Networks < 1 || f.Places < 1 || f.Clear < 1 || f.Silence < 1 {
		faults = append(faults, errors.New("Thresholds: Clients, Networks, Places, Clear and Silence must be at least 1"))
	}
	if f.Window < 1 || f.Window > maxWindow || f.Hot < 1 || f.Hot > f.Window {
		faults = append(faults, fmt.Errorf("Thresholds: Window must be 1 to %d, Hot 1 to Window", maxWindow))
	}
	return errors.Join(faults...)
}

const maxWindow = 16

const (
	defaultBin   = time.Minute
	defaultGrace = 30 * time.Second
)

const day = 24 * time.Hour

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// validate fills in the defaults and joins all faults.
func (o *Options) validate() error {
	def(&o.Bin, defaultBin)
	def(&o.Grace, defaultGrace)
	def(&o.MaxAge, report.MaxAge*time.Millisecond)
	def(&o.Poll, time.Second)
	def(&o.ProbesHold, 2*time.Minute)
	def(&o.ReceiptTime, 15*time.Minute)
	o.Retention = o.Retention.Defaults()
	if o.clock == nil {
		o.clock = wallclock.System()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	faults := []error{o.Thresholds.validate()}
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(o.Feeds) == 0 {
		bad("Feeds is empty: name at least one inbox or feed")
	}
	for name, s := range o.Feeds {
		if name == "" || len(name) > report.MaxString || s == nil {
			bad("Feeds: %q must have a name of at most %d bytes and not be nil", name, report.MaxString)
		}
	}
	if o.Events == nil || o.State == nil {
		bad("Events and State must not be nil: a detector needs both stores")
	}
	if o.Keys == nil {
		bad("Keys is missing: the detector cannot open anything")
	}
	if o.Bin < time.Second || day%o.Bin != 0 {
		bad("Bin must be at least a second and divide 24 h, is %v", o.Bin)
	}
	if o.ProbesAgree < 0 {
		bad("ProbesAgree must not be negative, is %d", o.ProbesAgree)
	}
	if o.Grace < 0 || o.MaxAge < 0 || o.Poll < 0 || o.ProbesHold < 0 || o.ReceiptTime < 0 {
		bad("Grace, MaxAge, Poll, ProbesHold and ReceiptTime must not be negative")
	}
	return errors.Join(faults...)
}
