package detector

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/internal/wallclock"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Options configures a [Detector].
type Options struct {
	Feeds  map[string]Feed // by name, which must stay the same over restarts; at least one
	Events Events          // required; the caller closes it after Run has returned
	State  State           // likewise
	Keys   *seal.Keyring   // required; opens the batches
	Opener Opener          // opens them with other detectors; nil: Keys alone

	Bin time.Duration // width of a bin, a second to an hour, a divisor of 24 h. 0 means 10 s
	// least time after its end before a bin is judged, so that reports can arrive. 0 means 10 s
	Grace time.Duration
	// Lapse shortens all times of the judgement, for demonstrations and tests: how many of its
	// seconds pass in one second. 0 means 1. With 5, a bin of 2 s is judged like one of 10 s.
	Lapse  int
	MaxAge time.Duration // older events are moved to this age. 0 means report.MaxAge
	// pause before a feed that had nothing is read again, unless it signals changes. 0 means a
	// second
	Poll       time.Duration
	Thresholds Thresholds // what an incident needs
	Retention  Retention  // how long data is kept

	// ReceiptTime is the least time after a claim about a receipt in which the batch may come,
	// before it counts against the collector that signed for it. It is longer while the collector's
	// feed is behind. 0 means 15 minutes.
	ReceiptTime time.Duration

	// Timed are the targets for which the store keeps how long requests took, with the least of the
	// times in which objectives ask for an answer. Those of others are judged only, by a limit that
	// is learned.
	Timed map[string]time.Duration

	// Vantages are the ids of the vantages whose results are accepted through feeds. Anybody can
	// upload to a collector, but only the operator knows these ids. Results of others are dropped
	// and counted. Results given to [Detector.AddProbes] are always accepted.
	Vantages []string
	// Watched are the vantages that must deliver: one of which nothing comes for VantageSilent is
	// an incident, which alerts nobody by itself and ends with the next results.
	Watched       []string
	VantageSilent time.Duration // 0 means 15 minutes
	// how long a vantage's latest judgement is valid. 0 means 2 minutes
	ProbesHold time.Duration
	// Objectives returns how the objectives fare. One whose budget is spent too fast is an
	// incident. known is false while they have not been judged since the start. nil: there are
	// none. It is called by one goroutine.
	Objectives func() (all []model.ObjectiveStatus, known bool)
	// ProbesAgree is how many networks must find a server down before it is down for all; see
	// [vantages.Rule]. 0 means [vantages.DefaultAgree].
	ProbesAgree int
	// returns the name of a network, or "" if unknown; optional; called by one goroutine
	NetworkName func(asn uint32) string
	Logger      *slog.Logger          // nil means no logging
	Metrics     prometheus.Registerer // nil means no metrics
	// Trace is called at the end of each step, concurrently. It must not block. nil: nothing is
	// traced.
	Trace func(Trace)

	clock wallclock.Source // nil: the system's; for tests
}

// Thresholds are the least values at which failures become an incident. A zero field means its
// default. See [judgement.Options]; docs/detection.md describes the other conditions.
type Thresholds struct {
	// minus the natural logarithm of the probability that the failures are due to chance, less the
	// price of having examined many places. 0 means [judgement.DefaultEvidence]
	Evidence float64
	Excess   float64 // failures beyond expectation. 0 means 5
	Ratio    float64 // failures divided by expected failures. 0 means 1.5
	Clients  int     // distinct clients with failures. 0 means 3
	Networks int     // distinct networks, unless the scope is a single network. 0 means 3
}

// setDefaults fills in the defaults.
func (t *Thresholds) setDefaults() {
	def(&t.Evidence, judgement.DefaultEvidence)
	def(&t.Excess, 5)
	def(&t.Ratio, 1.5)
	def(&t.Clients, 3)
	def(&t.Networks, 3)
}

func (t *Thresholds) validate() error {
	t.setDefaults()
	var faults []error
	if !(t.Evidence > 0 && t.Excess > 0 && t.Ratio > 1) {
		faults = append(faults, errors.New("Thresholds: Evidence and Excess must be positive, Ratio above 1"))
	}
	if t.Clients < 1 || t.Networks < 1 {
		faults = append(faults, errors.New("Thresholds: Clients and Networks must be at least 1"))
	}
	return errors.Join(faults...)
}

// options returns the judge's options with these thresholds.
func (t *Thresholds) options() judgement.Options {
	return judgement.Options{Evidence: t.Evidence, Excess: t.Excess, Ratio: t.Ratio, Clients: t.Clients, Networks: t.Networks}
}

const (
	defaultBin   = 10 * time.Second
	defaultGrace = 10 * time.Second
)

// DefaultVantageSilent is the default of Options.VantageSilent.
const DefaultVantageSilent = 15 * time.Minute

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
	def(&o.Lapse, 1)
	def(&o.MaxAge, report.MaxAge*time.Millisecond)
	def(&o.Poll, time.Second)
	def(&o.ProbesHold, 2*time.Minute)
	def(&o.VantageSilent, DefaultVantageSilent)
	def(&o.ReceiptTime, 15*time.Minute)
	o.Retention = o.Retention.Defaults()
	if o.Objectives == nil {
		o.Objectives = func() ([]model.ObjectiveStatus, bool) { return nil, true }
	}
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
	if o.Bin < time.Second || o.Bin > time.Hour || day%o.Bin != 0 {
		bad("Bin must be a second to an hour and divide 24 h, is %v", o.Bin)
	}
	if o.Lapse < 1 || o.Lapse > 60 || o.Bin <= time.Hour && (time.Duration(o.Lapse)*o.Bin > time.Hour || o.Bin > 0 && day%(time.Duration(o.Lapse)*o.Bin) != 0) {
		bad("Lapse must be 1 to 60, and so many bins an hour at most and a divisor of 24 h, is %d", o.Lapse)
	}
	if o.ProbesAgree < 0 {
		bad("ProbesAgree must not be negative, is %d", o.ProbesAgree)
	}
	if o.Grace < 0 || o.Grace > time.Hour || o.MaxAge < 0 || o.Poll < 0 || o.ProbesHold < 0 || o.VantageSilent < 0 || o.ReceiptTime < 0 {
		bad("Grace, MaxAge, Poll, ProbesHold, VantageSilent and ReceiptTime must not be negative, Grace not above an hour")
	}
	return errors.Join(faults...)
}
