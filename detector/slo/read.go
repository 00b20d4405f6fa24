package slo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// read updates the sums to the time now. The first call reads the whole period, hour by hour.
func (w *Watcher) read(ctx context.Context, now time.Time) error {
	hours, minutes := int64(2), int64(amended)
	if !w.filled {
		hours, minutes = int64(Period/time.Hour), int64(reach/time.Minute)
	} else if gap := int64(now.Sub(w.now) / time.Minute); gap > 0 { // after a pause
		hours, minutes = min(hours+gap/60, int64(Period/time.Hour)), min(minutes+gap, int64(reach/time.Minute))
	}
	if err := w.steps(ctx, now, time.Hour, hours, func(r *rings) *ring { return r.hours }); err != nil {
		return err
	}
	if err := w.steps(ctx, now, time.Minute, minutes, func(r *rings) *ring { return r.minutes }); err != nil {
		return err
	}
	if err := w.readLatest(ctx, now); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now, w.filled = now, true
	return nil
}

// steps reads the last n steps of time up to now, the oldest first.
func (w *Watcher) steps(ctx context.Context, now time.Time, step time.Duration, n int64, of func(*rings) *ring) error {
	last := newRing(step, step).number(now)
	for number := last - n + 1; number <= last; number++ {
		until := time.Unix(0, (number+1)*int64(step))
		sums, err := w.totals(ctx, until.Add(-step), until)
		if err != nil {
			return err
		}
		w.mu.Lock()
		for l, r := range w.by {
			if l.within == 0 {
				of(r).set(number, sums[l.target])
			}
		}
		w.mu.Unlock()
	}
	return w.latencies(ctx, now, step, n, of)
}

// latencies does the same with how long requests took.
func (w *Watcher) latencies(ctx context.Context, now time.Time, step time.Duration, n int64, of func(*rings) *ring) error {
	if !slices.ContainsFunc(w.o.Objectives, func(o model.Objective) bool { return o.Within > 0 }) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	numbers := newRing(step, step)
	last := numbers.number(now)
	all, err := w.o.Store.Latencies(ctx, model.LatencyQuery{Step: step, Since: time.Unix(0, (last-n+1)*int64(step)), Until: now})
	if err != nil {
		return fmt.Errorf("read how long requests took since %s: %w", time.Unix(0, (last-n+1)*int64(step)).UTC().Format(time.RFC3339), err)
	}
	steps := make(map[int64]map[string]*model.Latency)
	for i := range all {
		number := all[i].At.UnixNano() / int64(step)
		if steps[number] == nil {
			steps[number] = make(map[string]*model.Latency)
		}
		steps[number][all[i].Target] = &all[i].Latency
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for number := last - n + 1; number <= last; number++ {
		for l, r := range w.by {
			if l.within == 0 {
				continue
			}
			var s Sum
			if latency := steps[number][l.target]; latency != nil {
				s = Sum{Requests: latency.Requests(), Failed: latency.Slower(l.within)}
			}
			of(r).set(number, s)
		}
	}
	return nil
}

// readLatest reads how long the requests of the last hour took.
func (w *Watcher) readLatest(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	all, err := w.o.Store.Latencies(ctx, model.LatencyQuery{Step: model.RollupMinute, Since: now.Add(-time.Hour), Until: now})
	if err != nil {
		return fmt.Errorf("read how long the requests of the last hour took: %w", err)
	}
	sums := make(map[string]*model.Latency)
	for i := range all {
		if sums[all[i].Target] == nil {
			sums[all[i].Target] = new(model.Latency)
		}
		sums[all[i].Target].Merge(&all[i].Latency)
	}
	latest := make(map[string]model.Percentiles, len(sums))
	for target, sum := range sums {
		latest[target] = model.Percentiles{P50: sum.Quantile(0.5), P95: sum.Quantile(0.95), P99: sum.Quantile(0.99)}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latest = latest
	return nil
}

// totals returns the sums of the requests of an interval by target.
func (w *Watcher) totals(ctx context.Context, since, until time.Time) (map[string]Sum, error) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	rows, err := w.o.Store.Totals(ctx, model.TotalsQuery{Since: since, Until: until, By: model.DimensionsOf(model.ByTarget)})
	if err != nil {
		return nil, fmt.Errorf("sum the requests from %s to %s: %w", since.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339), err)
	}
	sums := make(map[string]Sum, len(rows))
	for _, r := range rows {
		sums[r.Key.Target] = Sum{Requests: r.OK + r.Failed, Failed: r.Failed}
	}
	return sums, nil
}
