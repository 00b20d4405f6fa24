package detector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/vantages"
	"github.com/heliograph-net/heliograph/internal/wallclock"
	"github.com/heliograph-net/heliograph/model"
)

// Detector reads batches, stores them and keeps incidents up to date. Make one with [New]. Its
// methods are safe for concurrent use unless they say otherwise.
type Detector struct {
	o         Options
	metrics   *metrics
	keeper    *keeper
	audit     *auditor
	probes    *probeMap
	added     chan []model.ProbeResult // results to store
	witnesses witnesses
	ran       atomic.Bool
	warner    warner
	timed     map[string]bool  // the targets of Options.Timed
	clock     *wallclock.Clock // the clock by which bins are judged
	watch     *watch
	consents  consents

	allowances *allowances   // what places may store at once
	deferred   chan struct{} // signalled when deferred batches may be waiting

	settings atomic.Pointer[Settings]
	doubts   atomic.Pointer[[]judgement.Doubt] // of the last bin
	// signalled when the settings differ from those of the intakes
	reloaded chan struct{}
}

// pruneEvery is how often old data is deleted.
const pruneEvery = time.Hour

// New returns a Detector with the given options, or an error that names every invalid option. It
// starts nothing.
func New(o Options) (*Detector, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("detector: %w", err)
	}
	probes, err := newProbeMap(o.ProbesHold)
	if err != nil {
		return nil, fmt.Errorf("detector: %w", err)
	}
	probes.rule, probes.log = vantages.Rule{Agree: o.ProbesAgree}, o.Logger
	audit := &auditor{events: o.Events, state: o.State, fair: o.ReceiptTime}
	d := &Detector{o: o, consents: consents{since: time.Now().UTC().Truncate(time.Second)}, allowances: &allowances{budget: rowBudget}, audit: audit, probes: probes,
		added: make(chan []model.ProbeResult, maxProbesQueue), reloaded: make(chan struct{}, 1), deferred: make(chan struct{}, 1)}
	d.timed = make(map[string]bool, len(o.Timed))
	for target := range o.Timed {
		d.timed[target] = true
	}
	d.settings.Store(o.settings())
	d.clock = wallclock.New(o.clock, max(leastStep, o.Bin/2), max(leastHold, 2*o.Bin+o.Grace))
	d.watch = newWatch(o.clock, d.settings.Load())
	m, err := newMetrics(o.Metrics, newConditionMetrics(d), newProbeReach(probes))
	if err != nil {
		return nil, fmt.Errorf("detector: registering metrics: %w", err)
	}
	d.metrics, d.keeper = m, &keeper{events: o.Events, state: o.State, audit: audit, metrics: m, series: newLimiter()}
	return d, nil
}

// A step of the clock is one of at least leastStep, or half a bin. The detector follows a step
// after leastHold, or after two bins and their grace, or when a collector's clock confirms it.
const (
	leastStep = time.Second
	leastHold = 2 * time.Minute
)

// now returns the time by which bins are judged. It does not follow a step of the clock at once.
func (d *Detector) now() time.Time { return d.clock.Now() }

// Doubts returns why what fails alerts nobody, by target, as of the last bin.
func (d *Detector) Doubts() map[string]string {
	all := map[string]string{}
	if doubts := d.doubts.Load(); doubts != nil {
		for _, doubt := range *doubts {
			if _, older := all[doubt.Target]; !older {
				all[doubt.Target] = doubt.Why
			}
		}
	}
	return all
}

// Run works until ctx ends, and returns nil when all its goroutines have ended. Errors of feeds and
// stores are logged, counted and tried again. It may be called once.
func (d *Detector) Run(ctx context.Context) error {
	if d.ran.Swap(true) {
		return errors.New("detector: Run may be called once")
	}
	ev := &evaluator{d: d, log: d.o.Logger}
	var caught, running sync.WaitGroup
	caught.Add(1)
	running.Go(func() { d.takeIn(ctx, caught.Done) })
	running.Go(func() {
		wait(ctx, &running, &caught)
		ev.run(ctx)
	})
	running.Go(func() { d.prune(ctx) })
	running.Go(func() { d.trim(ctx) })
	running.Go(func() { d.watchProbes(ctx) })
	running.Go(func() { d.storeProbes(ctx) })
	running.Go(func() { d.workOff(ctx) })
	running.Wait()
	return nil
}

// takeIn runs an intake for each feed, and new ones after each Reload, until ctx ends. It calls
// caught once: when each of the first feeds has had nothing more or is no longer read.
func (d *Detector) takeIn(ctx context.Context, caught func()) {
	first := sync.OnceFunc(caught)
	for ctx.Err() == nil {
		s := d.settings.Load()
		if !d.retry(ctx, "store", d.o.Logger, func(ctx context.Context) error { return d.audit.follow(ctx, s.Feeds) }) {
			break
		}
		reading, stop := context.WithCancel(ctx)
		var running, behind sync.WaitGroup
		running.Go(func() { d.releaseAll(reading) })
		for name, feed := range s.Feeds {
			in := &intake{d: d, name: name, feed: feed, log: d.o.Logger.With("feed", name),
				opener: opener{keys: s.Keys, bin: d.o.Bin, maxAge: d.o.MaxAge, vantages: s.Vantages, usable: d.longestWindow(), timed: d.timed}}
			behind.Add(1)
			in.caught = sync.OnceFunc(behind.Done)
			running.Go(func() {
				in.run(reading)
				in.caught() // so that nothing waits for it
				d.metrics.lagSeconds.DeleteLabelValues(name)
				d.metrics.lagBatches.DeleteLabelValues(name)
				if c, ok := feed.(interface{ CloseIdleConnections() }); ok {
					c.CloseIdleConnections()
				}
			})
		}
		running.Go(func() { behind.Wait(); first() })
		select {
		case <-d.reloaded:
		case <-ctx.Done():
		}
		stop()
		running.Wait()
	}
	first()
}

// Ready returns nil if the stores work. It checks nothing else.
func (d *Detector) Ready(ctx context.Context) error {
	return errors.Join(d.o.Events.Ready(ctx), d.o.State.Ready(ctx))
}

// trimEvery is how often the store is measured.
const trimEvery = time.Minute

// trim keeps the store within its size until ctx ends.
func (d *Detector) trim(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.trimOnce(ctx); err != nil && ctx.Err() == nil {
			d.metrics.troubles.WithLabelValues("trim").Inc()
			d.o.Logger.Error("making room in the store failed", "error", err)
		}
		sleep(ctx, trimEvery)
	}
}

func (d *Detector) trimOnce(ctx context.Context) error {
	dropped, err := d.keeper.trim(ctx, d.o.Retention.MaxBytes)
	for kind, n := range dropped {
		d.metrics.trimmed.WithLabelValues(kind).Add(float64(n))
		d.o.Logger.Warn("the store is full: the oldest data was deleted before its time", "kind", kind, "rows", n,
			"max_bytes", d.o.Retention.MaxBytes)
	}
	size, sizeErr := d.o.Events.Size(ctx)
	if sizeErr == nil {
		d.metrics.storeBytes.Set(float64(size.Bytes))
		d.metrics.storeMax.Set(float64(d.o.Retention.MaxBytes))
		for kind, at := range size.Oldest {
			d.metrics.oldest.WithLabelValues(kind).Set(float64(at.Unix()))
		}
	}
	return errors.Join(err, sizeErr)
}

// storeNearlyFull is the part of Retention.MaxBytes above which operators are warned.
const storeNearlyFull = .85

// StoreOutlook returns a sentence that says that the store is nearly full, or "" if it is not.
func (d *Detector) StoreOutlook(ctx context.Context) (string, error) {
	size, err := d.o.Events.Size(ctx)
	limit := d.o.Retention.MaxBytes
	if err != nil || float64(size.Bytes) < storeNearlyFull*float64(limit) {
		return "", err
	}
	text := fmt.Sprintf("%d of %d bytes are in use; when it is full the oldest data goes before its time", size.Bytes, limit)
	if at, ok := size.Oldest[KindCells]; ok {
		text += "; counts reach back to " + at.UTC().Format(time.RFC3339)
	}
	return text, nil
}

// prune deletes data that is too old, until ctx ends. It deletes nothing if the clock has stepped
// or is far from the last judged bin.
func (d *Detector) prune(ctx context.Context) {
	var judged time.Time
	if !d.retry(ctx, "prune", d.o.Logger, func(ctx context.Context) (err error) {
		judged, err = d.o.State.Evaluated(ctx)
		return err
	}) {
		return
	}
	ages := wallclock.NewAges(d.o.clock, judged)
	for ctx.Err() == nil {
		if !ages.Settled() {
			d.o.Logger.Warn("nothing is deleted for its age within a day of a step of the clock, or of a start long after the last bin judged", "last_judged", judged)
			sleep(ctx, pruneEvery)
			continue
		}
		if err := d.keeper.prune(ctx, d.now(), d.o.Retention); err != nil && ctx.Err() == nil {
			d.metrics.troubles.WithLabelValues("prune").Inc()
			d.o.Logger.Error("deleting old data failed", "error", err)
		}
		d.countQuarantine(ctx)
		sleep(ctx, pruneEvery)
	}
}
