package prober

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/maintenance"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// The defaults of [Options].
const (
	DefaultInterval      = 15 * time.Second
	DefaultRetryInterval = 2 * time.Second
	DefaultTimeout       = 5 * time.Second
	DefaultConcurrency   = 256
	DefaultDownAfter     = 3
	DefaultUpAfter       = 1
	DefaultHold          = 30 * time.Second
)

const (
	maxConcurrency = 1 << 16
	maxStreak      = 100
	maxJitter      = 0.5
	maxWitnesses   = 16
	maxWindows     = 1000
	maxFaults      = 10 // listed in one error
)

// Options are the options of a [Prober]. A zero field means the default of that name above.
type Options struct {
	Targets []Target // what to probe; at most heatmap.MaxServers, may be empty

	// Map gets the results. Every target must be the name of a server in its topology, and no other
	// code may set those servers. nil: New makes a map with Topology(Targets).
	Map *heatmap.Map

	// from one regular attempt at a target to the next. First attempts are spread evenly over
	// one interval
	Interval time.Duration
	// from an attempt that hints at a change of state to the next; at most Interval (default: 2 s
	// or Interval, the shorter). After a first failure the next attempt follows at once
	RetryInterval time.Duration
	// Phase is the place in the interval of the first target, from 0 to 1. Vantages with different
	// phases do not probe a server at the same time, even if they start together.
	Phase float64
	// Jitter is the share of the interval by which regular attempts come later at most, each by a
	// random part of it: 0, which means never, to 0.5. With it, what happens once in an interval is
	// not always met, or always missed. Targets keep their places in the interval.
	Jitter  float64
	Timeout time.Duration // limits one attempt
	// attempts at the same time, at most 65,536. To keep the interval even if every attempt times
	// out, the prober needs targets × Timeout / Interval
	Concurrency int
	// failed attempts in a row before a server is down, 1 to 100. An attempt at once confirms the
	// first, so that one more is made
	DownAfter int
	UpAfter   int // successful attempts in a row before a server is up, 1 to 100

	// Witnesses are up to 16 addresses in several other networks that should always answer: a
	// public resolver, the vantage's own gateway, another provider's page. The prober probes them,
	// at most about once a second, before a failure counts. If all of them fail, the vantage is at
	// fault and not the server. Empty: every failure counts. Their names and
	// locations are ignored.
	Witnesses []Target

	// Maintenance are up to 1,000 windows in which failures of targets are expected. Their attempts
	// go on and are delivered as [report.JudgedMaintenance]; in the map the targets are unknown.
	Maintenance []maintenance.Window

	Env probe.Env // source address, resolver and authorities of all probes

	// Vantage is the id of the place that the prober probes from, at most report.MaxString bytes.
	// Required with Deliver.
	Vantage string
	ASN     uint32 // autonomous system of the vantage; 0: not reported
	Version string // of this program, at most report.MaxString bytes; may be empty

	// Deliver gets all results, to send them to a detector: [agent.Agent.AddProbeResults], or in
	// the same process, the detector's AddProbes. The At of each result is relative to at. Deliver
	// may keep r. Run's goroutine calls it, so it must not block. nil: results are not delivered.
	Deliver func(at time.Time, r *report.ProbeResults)

	// Hold is how long a result that says nothing new may wait, so that it is delivered together
	// with others. A result that does say something new is delivered within a second.
	Hold time.Duration

	// OnResult gets every attempt, one at a time and in the order in which they were judged. err is
	// nil or wraps ErrInconclusive. Run's goroutine calls it, so it must not block. nil: no calls.
	OnResult func(t Target, r probe.Result, err error)

	// logs changes of the vantage's health and of the targets' warnings, but no address or URL;
	// nil: no logging
	Logger  *slog.Logger
	Metrics prometheus.Registerer // heliograph_prober_…; nil: none

	// TargetMetrics is how many targets may have metrics of their own, with their names as labels:
	// at most 10,000, the first ones in the list. 0: none have.
	TargetMetrics int
}

// fill replaces zero fields by the defaults.
func (o *Options) fill() {
	o.Interval = orDefault(o.Interval, DefaultInterval)
	o.RetryInterval = orDefault(o.RetryInterval, min(DefaultRetryInterval, o.Interval))
	o.Timeout = orDefault(o.Timeout, DefaultTimeout)
	o.Concurrency = orDefault(o.Concurrency, DefaultConcurrency)
	o.DownAfter = orDefault(o.DownAfter, DefaultDownAfter)
	o.UpAfter = orDefault(o.UpAfter, DefaultUpAfter)
	o.Hold = orDefault(o.Hold, DefaultHold)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func orDefault[T time.Duration | int](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}

// fits reports whether a record of results can contain s.
func fits(s string) bool { return len(s) <= report.MaxString && utf8.ValidString(s) }

// validate returns all faults, joined, except those of single targets.
func (o *Options) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(len(o.Targets) <= heatmap.MaxServers, "targets: %d, at most %d", len(o.Targets), heatmap.MaxServers)
	check(o.Interval > 0, "interval %v: must be positive", o.Interval)
	check(o.RetryInterval > 0 && o.RetryInterval <= o.Interval, "retry interval %v: must be positive and at most the interval, %v", o.RetryInterval, o.Interval)
	check(o.Phase >= 0 && o.Phase < 1, "phase %v: want 0 to 1", o.Phase)
	check(o.Jitter >= 0 && o.Jitter <= maxJitter, "jitter %v: want 0 to %v", o.Jitter, maxJitter)
	check(o.Timeout > 0, "timeout %v: must be positive", o.Timeout)
	check(o.Concurrency > 0 && o.Concurrency <= maxConcurrency, "concurrency %d: want 1 to %d", o.Concurrency, maxConcurrency)
	check(o.DownAfter > 0 && o.DownAfter <= maxStreak, "down after %d attempts: want 1 to %d", o.DownAfter, maxStreak)
	check(o.UpAfter > 0 && o.UpAfter <= maxStreak, "up after %d attempts: want 1 to %d", o.UpAfter, maxStreak)
	check(o.TargetMetrics >= 0 && o.TargetMetrics <= maxTargetMetrics, "target metrics %d: want 0 to %d", o.TargetMetrics, maxTargetMetrics)
	check(o.Hold > 0, "hold %v: must be positive", o.Hold)
	check(o.Deliver == nil || o.Vantage != "", "vantage: missing; name the place that is probed from")
	check(fits(o.Vantage), "vantage: want at most %d bytes of UTF-8", report.MaxString)
	check(fits(o.Version), "version: want at most %d bytes of UTF-8", report.MaxString)
	check(len(o.Maintenance) <= maxWindows, "maintenance: %d windows, at most %d", len(o.Maintenance), maxWindows)
	check(len(o.Witnesses) <= maxWitnesses, "witnesses: %d, at most %d", len(o.Witnesses), maxWitnesses)
	return errors.Join(faults...)
}
