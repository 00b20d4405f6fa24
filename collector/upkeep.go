package collector

import (
	"context"
	"log/slog"
	"time"
)

const maintainEvery = time.Minute

// upkeep maintains the inbox and watches how full it is.
type upkeep struct {
	inbox    Inbox
	log      *slog.Logger
	forecast forecast
}

// run works until ctx ends.
func (u *upkeep) run(ctx context.Context) {
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		u.once(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (u *upkeep) once(ctx context.Context) {
	if err := u.inbox.Maintain(ctx); err != nil && ctx.Err() == nil {
		u.log.Error("inbox could not be maintained", "error", err)
	}
	s, err := u.inbox.Stats(ctx)
	if err != nil {
		return // readiness reports the error
	}
	now := time.Now()
	if dropped := u.forecast.note(now, s); dropped > 0 {
		u.log.Warn("batches that no detector took were dropped for their age", "batches", dropped)
	}
	if text := u.forecast.outlook(now); text != "" {
		u.log.Warn("inbox fills", "outlook", text)
	}
}
