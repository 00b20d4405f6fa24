package detector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// storing is a page that is being stored.
type storing struct {
	page      *FeedPage
	batches   []*opened
	envelopes []report.Envelope
	begun     time.Time // when they were read
	read      time.Time // when they had been read, by the process's clock

	stored context.Context // ends when the following are set
	isNew  []bool
	ended  time.Time
	ok     bool // false: the intake's context ended first
}

// store begins to store a page with the cursor. settle must follow.
func (in *intake) store(ctx context.Context, s *storing) {
	stored, done := context.WithCancel(context.Background())
	s.stored, in.storing = stored, s
	go func() {
		defer done()
		s.batches, s.isNew, s.ok = in.storePage(ctx, s.page, s.batches)
		s.ended = time.Now()
	}()
}

// settle waits until the page that is being stored, if there is one, is stored, and acknowledges
// it. It returns false if ctx ended first.
func (in *intake) settle(ctx context.Context) bool {
	s := in.storing
	if s == nil {
		return true
	}
	<-s.stored.Done() // store ends when ctx does
	if in.storing = nil; !s.ok {
		return false
	}
	in.newest = time.UnixMilli(s.envelopes[len(s.envelopes)-1].Received)
	in.d.audit.progress(in.name, s.begun, len(s.envelopes), in.newest, in.d.now())
	in.d.watch.page(s.page, s.batches)
	in.tell(s.page, s.batches, s.isNew)
	in.traced(ctx, s)
	if len(s.page.Quarantined) > 0 {
		in.d.countQuarantine(ctx)
		in.d.wakeBacklog()
	}
	if ctx.Err() != nil {
		return false
	}
	if err := in.feed.Ack(ctx, s.page.Cursor); err != nil { // the next one acknowledges this, too
		in.d.metrics.troubles.WithLabelValues("ack").Inc()
		in.log.Warn("acknowledging to a feed failed", "error", err)
	}
	return true
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
			in.d.consents.tookIn(o)
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
