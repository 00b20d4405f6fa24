package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// Defaults of [Options].
const (
	DefaultRate          = 10_000
	DefaultRound         = time.Minute
	DefaultTimeout       = 2 * time.Second
	DefaultRetryInterval = 2 * time.Second
	DefaultConcurrency   = 1024
	DefaultDownAfter     = 3
	DefaultUpAfter       = 1
	DefaultRemind        = 20 * time.Minute
)

const (
	maxConcurrency = 1 << 16
	maxRate        = 1_000_000
	maxStreak      = 100
)

// Options are the options of a [Sweeper]. A zero field means the default of that name above.
type Options struct {
	// Map gets the states. Its topology is the fleet: each server that has an address is probed
	// there. No other code may set those servers, or replace the topology. Required.
	Map *heatmap.Map
	// Spec returns how a server is probed. It is called before each attempt, by several goroutines.
	// Required.
	Spec func(heatmap.Server) probe.Spec
	Env  probe.Env

	Rate int // most attempts a second, over all
	// from the beginning of one round to the next, or longer if it takes longer
	Round         time.Duration
	Timeout       time.Duration // limits one attempt
	RetryInterval time.Duration // between attempts at a server that contradicts what is held of it
	Concurrency   int           // attempts at the same time, at most 65,536
	DownAfter     int           // failed attempts in a row before a server is down, 1 to 100
	UpAfter       int           // successful attempts in a row before a server is up, 1 to 100

	Share Share // of several vantages; the zero value is the whole fleet

	// Vouch reports whether a witness has answered lately, so that failures count. since is when
	// the earliest attempt in question began. nil: failures always count.
	Vouch func(ctx context.Context, since time.Time) bool

	// Doubt returns why a failed attempt may be this machine's own fault, so that it counts neither
	// for nor against its server; nil if it is not. nil: only its name servers are doubted.
	Doubt func(ctx context.Context, r *probe.Result) error

	Vantage string // as in package prober; required with Deliver
	ASN     uint32
	Version string

	// Deliver gets results: those that change what is held of a server, and at least every Remind
	// one of each. The At of each is relative to at. Deliver may keep r. It must not block.
	Deliver func(at time.Time, r *report.ProbeResults)
	Remind  time.Duration

	Logger  *slog.Logger          // nil: no logging
	Metrics prometheus.Registerer // heliograph_sweep_…; nil: none
}

// Share is a vantage's share of a fleet that several vantages sweep together. Which servers belong
// to it follows from their names, so that all agree without talking to each other.
type Share struct {
	Vantage  int // which of the vantages this is, from 0
	Vantages int // how many there are; 0: one
	Overlap  int // how many of them probe each server; 0: one
}

// has reports whether a server belongs to the share. hash is that of its name.
func (s Share) has(hash uint32) bool {
	n := max(s.Vantages, 1)
	behind := (s.Vantage - int(hash%uint32(n)) + n) % n
	return behind < max(s.Overlap, 1)
}

func (o *Options) fill() {
	fill(&o.Rate, DefaultRate)
	fill(&o.Round, DefaultRound)
	fill(&o.Timeout, DefaultTimeout)
	fill(&o.RetryInterval, DefaultRetryInterval)
	fill(&o.Concurrency, DefaultConcurrency)
	fill(&o.DownAfter, DefaultDownAfter)
	fill(&o.UpAfter, DefaultUpAfter)
	fill(&o.Remind, DefaultRemind)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Vouch == nil {
		o.Vouch = func(context.Context, time.Time) bool { return true }
	}
	if o.Doubt == nil {
		o.Doubt = ownResolver
	}
}

func ownResolver(_ context.Context, r *probe.Result) error {
	if r.OwnResolver() {
		return errors.New("no name server of this machine can be reached")
	}
	return nil
}

func fill[T int | time.Duration](v *T, standard T) {
	if *v == 0 {
		*v = standard
	}
}

// validate returns all faults, joined.
func (o *Options) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(o.Map != nil && o.Spec != nil, "map and spec: must not be missing")
	check(o.Rate > 0 && o.Rate <= maxRate, "rate %d: want 1 to %d attempts a second", o.Rate, maxRate)
	check(o.Round > 0, "round %v: must be positive", o.Round)
	check(o.Timeout > 0, "timeout %v: must be positive", o.Timeout)
	check(o.RetryInterval > 0, "retry interval %v: must be positive", o.RetryInterval)
	check(o.Concurrency > 0 && o.Concurrency <= maxConcurrency, "concurrency %d: want 1 to %d", o.Concurrency, maxConcurrency)
	check(o.DownAfter > 0 && o.DownAfter <= maxStreak, "down after %d attempts: want 1 to %d", o.DownAfter, maxStreak)
	check(o.UpAfter > 0 && o.UpAfter <= maxStreak, "up after %d attempts: want 1 to %d", o.UpAfter, maxStreak)
	check(o.Remind > 0, "remind %v: must be positive", o.Remind)
	n := max(o.Share.Vantages, 1)
	check(o.Share.Vantage >= 0 && o.Share.Vantage < n, "share: vantage %d of %d", o.Share.Vantage, n)
	check(o.Share.Overlap >= 0 && o.Share.Overlap <= n, "share: overlap of %d among %d vantages", o.Share.Overlap, n)
	check(o.Deliver == nil || o.Vantage != "", "vantage: missing; name the place that is probed from")
	return errors.Join(faults...)
}
