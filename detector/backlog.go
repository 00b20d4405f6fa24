package detector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

const (
	// bytes of the backlog that are stored at a time: the rows of one full segment. Meanwhile,
	// pages of feeds wait
	backlogBytes = report.MaxSegmentRows*rowBytes + sealedBytes
	backlogBatch = 256 // batches at most
	// how often it is looked at when nobody tells of more
	backlogEvery = time.Minute
)

// wakeBacklog signals that deferred batches may be waiting.
func (d *Detector) wakeBacklog() {
	select {
	case d.deferred <- struct{}{}:
	default: // it is told already
	}
}

// workOff stores deferred batches until ctx ends. Networks and places take turns.
func (d *Detector) workOff(ctx context.Context) {
	pause := newBackOff()
	for ctx.Err() == nil {
		n, err := d.workOffSome(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			d.metrics.troubles.WithLabelValues("backlog").Inc()
			d.o.Logger.Error("storing batches that had to wait failed, trying again", "error", err)
			sleep(ctx, pause.NextBackOff())
		case n == 0:
			pause.Reset()
			d.awaitBacklog(ctx)
		default:
			pause.Reset()
			d.countQuarantine(ctx)
		}
	}
}

func (d *Detector) awaitBacklog(ctx context.Context) {
	timer := time.NewTimer(backlogEvery)
	defer timer.Stop()
	select {
	case <-d.deferred:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// workOffSome stores the batches whose turn it is, and returns how many no longer wait. Batches
// that cannot be used stay in quarantine for another reason.
func (d *Detector) workOffSome(ctx context.Context) (n int, err error) {
	held, err := d.o.State.Deferred(ctx, backlogBatch, backlogBytes)
	if err != nil || len(held) == 0 {
		return 0, err
	}
	s := d.settings.Load()
	o := &opener{keys: s.Keys, bin: d.o.Bin, maxAge: d.o.MaxAge, vantages: s.Vantages, timed: d.timed}
	if _, err := d.release(ctx, o, held); err != nil {
		return 0, err
	}
	return len(held), nil
}
