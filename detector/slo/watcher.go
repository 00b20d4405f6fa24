package slo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// MaxObjectives is the most objectives of a [Watcher]. Each takes about 18 KB of memory.
const MaxObjectives = 256

// Totals reads sums of requests. [model.Reader] implements it.
type Totals interface {
	Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error)
	Latencies(ctx context.Context, q model.LatencyQuery) ([]model.LatencyStep, error)
}

// Options are the options of a [Watcher].
type Options struct {
	Objectives []model.Objective // one for each target and time limit
	Store      Totals            // required
	Logger     *slog.Logger      // nil means no logging
}

const (
	every   = 30 * time.Second // from one reading to the next
	amended = 10               // minutes that are read again, because reports come late
	// sums of windows up to this are made of minutes, those of longer ones of hours
	reach   = 6 * time.Hour
	readFor = time.Minute // longest time for one reading
)

// Watcher keeps the sums of the objectives' targets. Its methods are safe for concurrent use.
type Watcher struct {
	o Options

	mu     sync.Mutex
	now    time.Time        // time of the last reading
	filled bool             // whether the whole period has been read
	by     map[limit]*rings // by target and time limit
	latest map[string]model.Percentiles
}

// limit is what sums are kept for: a target, and how long its requests may take; 0: any time.
type limit struct {
	target string
	within time.Duration
}

func limitOf(o model.Objective) limit { return limit{o.Target, o.Within} }

// rings are the sums of one target.
type rings struct{ minutes, hours *ring }

// New returns a [Watcher] that has read nothing yet. Its error joins all faults of the options.
func New(o Options) (*Watcher, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Objectives = slices.SortedFunc(slices.Values(o.Objectives), func(a, b model.Objective) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Within, b.Within))
	})
	if o.Store == nil {
		return nil, errors.New("slo: Store is missing")
	}
	if err := Validate(o.Objectives); err != nil {
		return nil, err
	}
	w := &Watcher{o: o, by: make(map[limit]*rings)}
	for _, v := range o.Objectives {
		w.by[limitOf(v)] = &rings{newRing(time.Minute, reach), newRing(time.Hour, Period)}
	}
	return w, nil
}

// Validate returns the faults of objectives, joined, or nil.
func Validate(objectives []model.Objective) error {
	var faults []error
	if len(objectives) > MaxObjectives {
		faults = append(faults, fmt.Errorf("%d objectives, at most %d are possible", len(objectives), MaxObjectives))
	}
	seen := make(map[limit]bool)
	for _, v := range objectives {
		switch {
		case v.Target == "":
			faults = append(faults, errors.New("an objective has no target"))
		case !(v.Share > 0 && v.Share < 1):
			faults = append(faults, fmt.Errorf("the share of requests to %s that succeed must be above 0 and below 1, such as 0.999, is %v", v.Target, v.Share))
		case v.Within != 0 && (v.Within < leastWithin || v.Within > mostWithin):
			faults = append(faults, fmt.Errorf("requests to %s are to be answered within %v: possible are %v to %v", v.Target, v.Within, leastWithin, mostWithin))
		case seen[limitOf(v)]:
			faults = append(faults, fmt.Errorf("%s has two objectives%s", v.Target, within(v)))
		}
		seen[limitOf(v)] = true
	}
	return errors.Join(faults...)
}

// Run reads the store every 30 s until ctx is done, and then returns nil. If a reading fails, Run
// logs that and tries again.
func (w *Watcher) Run(ctx context.Context) error {
	if len(w.by) == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := w.read(ctx, time.Now()); err != nil && ctx.Err() == nil {
			w.o.Logger.Warn("objectives are not judged anew: totals cannot be read", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Status returns the status of every objective as of the last reading, sorted by target and time
// limit. It is
// empty until the whole period has been read once.
func (w *Watcher) Status() []model.ObjectiveStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.filled {
		return nil
	}
	all := make([]model.ObjectiveStatus, 0, len(w.o.Objectives))
	for _, o := range w.o.Objectives {
		r := w.by[limitOf(o)]
		s := Judge(o, func(window time.Duration) Sum {
			if window <= reach {
				return r.minutes.sum(w.now, window)
			}
			return r.hours.sum(w.now, window)
		})
		if o.Within > 0 {
			s.Latest = w.latest[o.Target]
		}
		all = append(all, s)
	}
	return all
}

// The limits of an objective's time limit: those of the buckets that durations are counted in.
const (
	leastWithin = time.Millisecond
	mostWithin  = 10 * time.Minute
)

// within returns an objective's time limit in words, or "".
func within(o model.Objective) string {
	if o.Within == 0 {
		return ""
	}
	return " within " + o.Within.String()
}
