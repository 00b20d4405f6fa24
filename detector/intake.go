package detector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/report"
)

const (
	readLimit    = 256              // envelopes per read: at most 64 MiB
	longestPause = 15 * time.Second // between two attempts at something that fails
	recheck      = time.Minute      // when a feed that can signal changes has not done so
)

// intake reads one feed. It belongs to one goroutine.
type intake struct {
	d      *Detector
	name   string
	feed   Feed
	log    *slog.Logger
	opener opener
	cursor uint64
	newest time.Time // when the last batch read was received
	caught func()    // called when the feed had nothing more, or nothing old; may be called again
}

// run works until ctx ends.
func (in *intake) run(ctx context.Context) {
	if !in.d.retry(ctx, "store", in.log, in.loadCursor) {
		return
	}
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

// once reads a page, stores it with the cursor, and acknowledges it. It returns the number of
// envelopes.
func (in *intake) once(ctx context.Context) (n int, err error) {
	begun := in.d.now()
	envelopes, err := in.feed.Read(ctx, in.cursor, readLimit)
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
	if len(envelopes) == 0 {
		in.d.audit.progress(in.name, begun, 0, time.Time{}, in.d.now())
		return 0, nil
	}
	page, batches, err := in.page(envelopes)
	if err != nil {
		return 0, err
	}
	batches, isNew, ok := in.store(ctx, page, batches)
	if !ok {
		return 0, ctx.Err()
	}
	in.cursor, in.newest = page.Cursor, time.UnixMilli(envelopes[len(envelopes)-1].Received)
	in.d.audit.progress(in.name, begun, len(envelopes), in.newest, in.d.now())
	in.d.watch.page(page, batches)
	in.tell(page, batches, isNew)
	if len(page.Quarantined) > 0 {
		in.d.countQuarantine(ctx)
		in.d.wakeBacklog()
	}
	if err := in.feed.Ack(ctx, in.cursor); err != nil { // the next one acknowledges this, too
		in.d.metrics.troubles.WithLabelValues("ack").Inc()
		in.log.Warn("acknowledging to a feed failed", "error", err)
	}
	return len(envelopes), nil
}

// page opens the envelopes that a page has room for, in their order. The others must wait.
func (in *intake) page(envelopes []report.Envelope) (*FeedPage, []*opened, error) {
	page := &FeedPage{Feed: in.name, Cursor: in.cursor}
	waits := in.waits(envelopes)
	var batches []*opened
	for i := range envelopes {
		e := &envelopes[i]
		if e.Seq <= page.Cursor {
			return nil, nil, fmt.Errorf("position %d follows %d", e.Seq, page.Cursor)
		}
		page.Cursor = e.Seq
		if waits[i] {
			page.Quarantined = append(page.Quarantined, quarantined(e, ReasonDeferred, errDeferred))
		} else if o := in.open(e, page); o != nil {
			batches = append(batches, o)
			page.Batches = append(page.Batches, o.Batch)
		}
	}
	return page, batches, nil
}

var errDeferred = errors.New("much comes from there, so that others go first")

// waits reports for each batch whether it must wait, so that places that send much do not delay the
// others.
func (in *intake) waits(envelopes []report.Envelope) []bool {
	waits := make([]bool, len(envelopes))
	now, room := time.Now(), pageRows
	for n, i := range fairly(envelopes) {
		e := &envelopes[i]
		rows := rowsOf(e.Segment)
		if foreign(in.feed, e) { // it goes to quarantine unopened
			continue
		}
		if n > 0 && rows > room || !in.d.allowances.take(now, placeOf(e), rows) {
			waits[i] = true
			continue
		}
		room -= rows
	}
	return waits
}

// open opens an envelope, or adds it to the page's quarantine.
func (in *intake) open(e *report.Envelope, page *FeedPage) *opened {
	o, reason, err := (*opened)(nil), ReasonCollector, errCollector
	if !foreign(in.feed, e) {
		in.correct(e)
		o, reason, err = in.opener.open(e, in.d.now())
	}
	if err == nil {
		return o
	}
	page.Quarantined = append(page.Quarantined, quarantined(e, reason, err))
	in.warn(e, reason, "a batch cannot be used and was put into quarantine", err)
	return nil
}

func (in *intake) warn(e *report.Envelope, reason, text string, err error) {
	in.d.warner.warn(in.log, placeOf(e), reason, text, "batch", e.Batch.String(), "reason", reason, "error", err)
}

// tell counts a stored page in the metrics.
func (in *intake) tell(page *FeedPage, batches []*opened, isNew []bool) {
	m := in.d.metrics
	for i := range page.Quarantined {
		m.batches.WithLabelValues(page.Quarantined[i].Reason).Inc()
	}
	for _, c := range page.Claimed {
		m.claimed.WithLabelValues(c.Collector).Add(float64(c.Batches))
	}
	judged := in.d.now().Add(-in.d.o.Grace)
	for i, o := range batches {
		if isNew[i] {
			m.batches.WithLabelValues("new").Inc()
			in.d.probes.take(o.Probes, time.Now())
			in.d.witnesses.add(o.Probes)
		} else {
			m.batches.WithLabelValues("duplicate").Inc()
		}
		m.tookIn(o)
		if in.opener.binEnd(o.Received).Before(judged) {
			m.late.Inc()
		}
	}
	if len(batches) > 0 {
		m.newest.Set(float64(batches[len(batches)-1].Received.UnixMilli()) / 1000)
	}
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
