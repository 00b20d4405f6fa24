package detector

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// watch records the result of a read, and what the collector's clock says about this machine's.
func (in *intake) watch(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // it was broken off
	}
	if errors.Is(err, ErrCursor) {
		err = nil // the next read begins at the start
	}
	in.d.watch.read(in.name, err)
	c, ok := in.feed.(clockTeller)
	if !ok {
		return
	}
	skew, known := c.ClockSkew()
	if !known {
		return
	}
	in.d.watch.skewed(in.name, skew)
	off := in.d.clock.Off()
	near := min(off.Abs()/2, skewTolerance)
	switch {
	case off == 0 || in.sameClock():
	case skew.Abs() < near: // the collector has the time after the step
		in.d.clock.Follow()
	case (skew + off).Abs() < near: // it has the time before
		in.d.clock.Doubt()
	}
}

// correct corrects the time of receipt if the collector uses this machine's clock and that has
// stepped.
func (in *intake) correct(e *report.Envelope) {
	off := in.d.clock.Off()
	if off == 0 || !in.sameClock() {
		return
	}
	received, now := time.UnixMilli(e.Received), in.d.now()
	// it was received after the step
	if received.Sub(now.Add(off)).Abs() < received.Sub(now).Abs() {
		e.Received = received.Add(-off).UnixMilli()
	}
}

func (in *intake) sameClock() bool {
	s, ok := in.feed.(sameClock)
	return ok && s.SameClock()
}

// upToDate records that the feed has no old batches left.
func (in *intake) upToDate() {
	in.caught()
	in.d.watch.caught(in.name)
}
