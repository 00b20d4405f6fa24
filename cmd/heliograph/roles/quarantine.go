package roles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/heliograph-net/heliograph/detector"
)

// Quarantine gives access to the batches that a detector could not use. A detector may run at the
// same time.
type Quarantine struct {
	events   detector.Events
	state    detector.State
	detector *detector.Detector
}

// OpenQuarantine opens the stores of the detector in a configuration. The caller must call Close.
func OpenQuarantine(ctx context.Context, c *Config, log *slog.Logger) (q *Quarantine, err error) {
	q = new(Quarantine)
	if q.events, q.state, err = c.Detector.Store.Open(ctx, c.dir); err != nil {
		return nil, fmt.Errorf("detector.store: %w", err)
	}
	keys, err := openKeys(c)
	if err == nil {
		// it is not read, but a detector needs a feed
		none := map[string]detector.Feed{"none": localInbox{}}
		q.detector, err = detector.New(detector.Options{Feeds: none, Events: q.events, State: q.state, Keys: keys,
			Bin: c.Detector.Bin.Duration, Grace: c.Detector.Grace.Duration, Logger: log, Vantages: vantages(c), Timed: c.timed()})
	}
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

// Each calls f for every batch in quarantine, the oldest first, until f returns an error.
func (q *Quarantine) Each(ctx context.Context, f func(*detector.Held) error) error {
	for after := uint64(0); ; {
		held, err := q.state.Quarantine(ctx, after, 64)
		if err != nil || len(held) == 0 {
			return err
		}
		for i := range held {
			after = held[i].Number
			if err := f(&held[i]); err != nil {
				return err
			}
		}
	}
}

// Retry tries every batch again with the keys of the configuration. It returns how many batches are
// now in the store, and how many stay in quarantine.
func (q *Quarantine) Retry(ctx context.Context) (released, kept int, err error) {
	return q.detector.RetryQuarantine(ctx)
}

// Close closes the stores.
func (q *Quarantine) Close() error { return errors.Join(q.events.Close(), q.state.Close()) }
