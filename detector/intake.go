package detector

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/report"
)

const (
	readLimit    = 512              // envelopes per read; feeds return a few MiB at most
	longestPause = 15 * time.Second // between two attempts at something that fails
	recheck      = time.Minute      // when a feed that can signal changes has not done so
)

// intake reads one feed. It belongs to one goroutine. While a page is being stored, it reads and
// opens the next one.
type intake struct {
	d       *Detector
	name    string
	feed    Feed
	log     *slog.Logger
	opener  opener
	cursor  uint64    // of the last page read
	storing *storing  // the page that is being stored; nil: none
	newest  time.Time // when the last batch stored was received
	caught  func()    // called when the feed had nothing more, or nothing old; may be called again
}

// run works until ctx ends.
func (in *intake) run(ctx context.Context) {
	if !in.d.retry(ctx, "store", in.log, in.loadCursor) {
		return
	}
	defer in.settle(ctx)
	pause := newBackOff()
	for ctx.Err() == nil {
		// Taken before the read, so that no change between the two is missed.
		changed := in.changed()
		start := time.Now()
		n, err := in.once(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			in.d.metrics.troubles.WithLabelValues("read").Inc()
			in.log.Warn("reading from a feed failed, trying again", "error", err)
			sleep(ctx, pause.NextBackOff())
		case err == nil && n == 0:
			in.upToDate()
			pause.Reset()
			in.await(ctx, changed, in.d.o.Poll-time.Since(start))
		default:
			// A busy feed always has more. What it still has is no older than a bin waits for
			// anyway.
			if time.Since(in.newest) < in.d.o.Grace {
				in.upToDate()
			}
			pause.Reset()
		}
	}
}

func (in *intake) loadCursor(ctx context.Context) (err error) {
	in.cursor, err = in.d.o.State.Cursor(ctx, in.name)
	return err
}

// changed returns a channel that is closed when there is something new, or nil if the feed cannot
// signal that.
func (in *intake) changed() <-chan struct{} {
	if n, ok := in.feed.(changeNotifier); ok {
		return n.Changed()
	}
	return nil
}

// await waits for something new. Even a feed that can signal changes is read again after a long
// time.
func (in *intake) await(ctx context.Context, changed <-chan struct{}, poll time.Duration) {
	if changed != nil {
		poll = recheck
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// once reads a page, opens it, and begins to store it. It returns the number of envelopes. If there
// are no more at once, they are stored when it returns.
func (in *intake) once(ctx context.Context) (n int, err error) {
	begun := in.d.now()
	envelopes, err := in.read(ctx)
	in.watch(ctx, err)
	if errors.Is(err, ErrCursor) && in.cursor > 0 {
		in.d.watch.restored(in.name)
		in.log.Warn("the inbox was replaced or restored: reading it from its beginning", "cursor", in.cursor)
		in.cursor = 0
		return in.once(ctx)
	}
	if err != nil {
		return 0, err
	}
	in.tellLag(envelopes)
	if len(envelopes) == 0 {
		in.d.audit.progress(in.name, begun, 0, time.Time{}, in.d.now())
		return 0, nil
	}
	read := time.Now()
	page, batches, err := in.page(ctx, envelopes)
	if !in.settle(ctx) {
		return 0, ctx.Err()
	}
	if err != nil {
		return 0, err
	}
	in.cursor = page.Cursor
	in.store(ctx, &storing{page: page, batches: batches, envelopes: envelopes, begun: begun, read: read})
	if len(envelopes) < readLimit/2 && !in.settle(ctx) {
		return 0, ctx.Err()
	}
	return len(envelopes), nil
}

// tellLag tells the metrics how far this is behind the feed.
func (in *intake) tellLag(envelopes []report.Envelope) {
	m, lag := in.d.metrics, time.Duration(0)
	if n := len(envelopes); n > 0 {
		lag = max(time.Since(time.UnixMilli(envelopes[n-1].Received)), 0)
	}
	m.lagSeconds.WithLabelValues(in.name).Set(lag.Seconds())
	if f, ok := in.feed.(leftTeller); ok {
		m.lagBatches.WithLabelValues(in.name).Set(float64(f.Left()))
	}
}

// readAhead is how long a read may wait for more while a page that is stored is not acknowledged.
const readAhead = time.Second

// read reads the next envelopes. If there are none yet, or after an error, no page is being stored
// any more.
func (in *intake) read(ctx context.Context) ([]report.Envelope, error) {
	if in.storing != nil {
		ahead, stop := context.WithCancel(ctx)
		defer stop()
		defer context.AfterFunc(in.storing.stored, func() {
			sleep(ahead, readAhead)
			stop()
		})()
		if envelopes, err := in.feed.Read(ahead, in.cursor, readLimit); err == nil && len(envelopes) > 0 {
			return envelopes, nil
		}
		if !in.settle(ctx) {
			return nil, ctx.Err()
		}
	}
	return in.feed.Read(ctx, in.cursor, readLimit)
}

// retry calls f until it succeeds. It returns false if ctx ends first.
func (d *Detector) retry(ctx context.Context, where string, log *slog.Logger, f func(context.Context) error) bool {
	pause := newBackOff()
	for {
		err := f(ctx)
		if ctx.Err() == nil {
			d.watch.trouble(where, err)
		}
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d.metrics.troubles.WithLabelValues(where).Inc()
		log.Error("trying again", "where", where, "error", err)
		sleep(ctx, pause.NextBackOff())
	}
}

func newBackOff() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMaxInterval(longestPause),
		backoff.WithMaxElapsedTime(0))
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
