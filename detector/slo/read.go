package slo

import (
	"context"
	"fmt"
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
		for target, r := range w.by {
			of(r).set(number, sums[target])
		}
		w.mu.Unlock()
	}
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
