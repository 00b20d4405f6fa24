package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// afterWithdrawal completes a withdrawal of consent, even if there is consent again: it deletes
// what could not be deleted before, and delivers deletion notices. It returns when to
// call it again.
func (c *courier) afterWithdrawal(ctx context.Context, patience time.Duration) (again time.Time) {
	again = c.spooler.purgeAgain()
	if len(c.spooler.notices.list()) == 0 || ctx.Err() != nil {
		return again
	}
	return earlier(again, c.uploading(ctx, patience, func(p *checkedPolicy) time.Time { return c.deliverNotices(ctx, p) }))
}

// uploading calls deliver while no other agent on this spool uploads, if a collector is ready. It
// returns when to continue.
func (c *courier) uploading(ctx context.Context, patience time.Duration, deliver func(*checkedPolicy) time.Time) (again time.Time) {
	p := c.consent.inForce()
	if at := c.firstReady(p); at.After(time.Now()) {
		return at
	}
	unlock, err := c.lockUpload(ctx, patience)
	if err != nil {
		return c.later()
	}
	defer unlock()
	return deliver(p)
}

// later returns when to check an obstacle again.
func (c *courier) later() time.Time { return time.Now().Add(lockLater + uniform(c.rand, lockLater)) }

// lockUpload waits for the right to upload.
func (c *courier) lockUpload(ctx context.Context, patience time.Duration) (func(), error) {
	deadline := time.Now().Add(patience)
	for {
		unlock, err := c.spooler.spool.LockUpload()
		if err == nil || !errors.Is(err, ErrSpoolBusy) || !time.Now().Before(deadline) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockRetry):
		}
	}
}

// deliverSpool uploads the finished segments, and this agent's open one, as long as a collector
// accepts them. It begins with those that were tried least, and among them with the oldest, so that
// a segment that never gets through does not hold up the others. It returns when to continue.
func (c *courier) deliverSpool(ctx context.Context, p *checkedPolicy, permit *permit) (again time.Time) {
	segments, err := c.spooler.finished()
	if err != nil {
		return c.later()
	}
	c.uploads = kept(c.uploads, segments)
	slices.SortStableFunc(segments, func(x, y Segment) int { return c.tries(x.ID) - c.tries(y.ID) })
	again = time.Now().Add(idle)
	for _, s := range segments {
		if u := c.uploads[s.ID]; u != nil && u.rests.After(time.Now()) {
			again = earlier(again, u.rests)
			continue
		}
		if !c.withinDay(p, s.Size) {
			return nextDay(time.Now()).Add(uniform(c.rand, 10*time.Minute))
		}
		if !c.deliver(ctx, p, permit, s) {
			if ctx.Err() != nil {
				return time.Now()
			}
			return c.firstReady(p)
		}
		if u := c.uploads[s.ID]; u != nil && u.rests.After(time.Now()) {
			again = earlier(again, u.rests)
		}
	}
	return again
}

// kept returns the entries of uploads whose segments still exist.
func kept(uploads map[report.BatchID]*upload, segments []Segment) map[report.BatchID]*upload {
	still := make(map[report.BatchID]*upload, len(uploads))
	for _, s := range segments {
		if u := uploads[s.ID]; u != nil {
			still[s.ID] = u
		}
	}
	return still
}

func (c *courier) tries(id report.BatchID) int {
	if u := c.uploads[id]; u != nil {
		return u.tries
	}
	return 0
}

// deliverNotices uploads notices. It returns when to continue.
func (c *courier) deliverNotices(ctx context.Context, p *checkedPolicy) (again time.Time) {
	again = time.Now().Add(idle)
	// read again, because another agent may have delivered some
	for _, n := range c.spooler.notices.list() {
		u := c.notices[n.ID]
		if u == nil {
			u = new(upload)
			c.notices[n.ID] = u
		}
		if u.rests.After(time.Now()) {
			again = earlier(again, u.rests)
			continue
		}
		to, answer, _ := c.offer(ctx, p, n.Segment, u, n.body)
		switch {
		case answer.decision != none:
		case u.rests.After(time.Now()) && ctx.Err() == nil:
			again = earlier(again, u.rests)
			continue
		default:
			return c.firstReady(p)
		}
		delete(c.notices, n.ID)
		c.spooler.notices.remove(n.ID)
		c.settled(n.Segment, to, answer)
	}
	return again
}

// withinDay reports whether the policy allows a process to upload n more bytes on this UTC day.
func (c *courier) withinDay(p *checkedPolicy, n int64) bool {
	if today := utcDay(time.Now()); today != c.uploadDay {
		c.uploadDay, c.uploadedBytes = today, 0
	}
	return c.uncapped || c.uploadedBytes+uint64(n) <= p.BytesPerDay
}

func nextDay(t time.Time) time.Time {
	return time.Unix((utcDay(t)+1)*24*60*60, 0)
}
