package agent

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// attemptTimeout limits one exchange, in case the Transport has no limit of its own.
const attemptTimeout = time.Minute

// upload is what an agent remembers about a segment that it could not deliver yet. The courier's
// lock guards it.
type upload struct {
	tries int
	path  []report.Attempt // the latest report.MaxPath
	rests time.Time        // working collectors declined it, so it is not offered before this time
	done  bool             // there is a final receipt, but the spool could not delete it
}

// The first and the longest rest of a declined segment.
const (
	restMin = time.Minute
	restMax = 4 * time.Hour
)

func (u *upload) rest(now time.Time) {
	u.rests = now.Add(min(restMin<<min(max(u.tries-1, 0), 16), restMax))
}

func (u *upload) failed(collector string, outcome report.Outcome) {
	u.tries++
	if len(u.path) == report.MaxPath {
		u.path = slices.Delete(u.path, 0, 1)
	}
	u.path = append(u.path, report.Attempt{Collector: collector, Outcome: outcome})
}

// deliver offers a segment to the collectors. It returns false if no further segments should be
// offered now, because no collector accepts any or ctx or the permit has ended.
func (c *courier) deliver(ctx context.Context, p *checkedPolicy, permit *permit, s Segment) bool {
	u := c.uploads[s.ID]
	if u == nil {
		u = new(upload)
		c.uploads[s.ID] = u
	}
	if u.done {
		c.delete(s)
		return true
	}
	body, err := c.spooler.spool.Read(s.ID)
	if err != nil {
		return true // removed, or dropped and counted by the spool
	}
	fresh, ok := c.spooler.markSent(permit, s)
	if !ok {
		return false
	}
	to, answer, left := c.offer(ctx, p, s, u, body)
	if fresh && !left {
		c.spooler.unmarkSent(s)
	}
	if answer.decision == none {
		return u.rests.After(time.Now()) && ctx.Err() == nil
	}
	c.settle(permit, s, to, answer, body)
	return true
}

// offer offers a segment to each ready collector until one accepts it or refuses it for good. It
// returns that collector and its answer, or otherwise an answer without a decision. A declined
// segment rests. left is false if it is certain that no byte of the segment was sent.
func (c *courier) offer(ctx context.Context, p *checkedPolicy, s Segment, u *upload, body []byte) (to policy.Collector, r answer, left bool) {
	declined := false
	defer func() {
		if declined && r.decision == none {
			u.rest(time.Now())
		}
	}()
	for _, to = range c.order(p.Collectors) {
		state := c.collector(to)
		if !state.ready(time.Now()) {
			continue
		}
		r = c.attempt(ctx, to, s, u, body)
		left = left || !neverLeft(r)
		switch {
		case r.declines:
			state.succeeded()
			declined = true
			u.failed(to.ID, r.outcome)
			c.events.emit(Event{Kind: EventNotDelivered, Batch: s.ID, Collector: to.ID, Outcome: r.outcome, Reason: r.reason})
			continue
		case r.decision == receipt.Stored, r.decision == receipt.Refused:
			state.succeeded()
			c.failure.Store(nil)
			return to, r, left
		case ctx.Err() != nil && r.decision == none:
			if r.err != nil {
				c.failure.Store(&deliveryError{to.ID, r.outcome, r.err})
			}
			// the agent itself ended the transfer, which says nothing about the collector
			return to, answer{}, left
		}
		c.failure.Store(&deliveryError{to.ID, r.outcome, r.err})
		state.failed(time.Now(), r)
		u.failed(to.ID, r.outcome)
		c.events.emit(Event{Kind: EventNotDelivered, Batch: s.ID, Collector: to.ID, Outcome: r.outcome, Err: r.err})
	}
	return to, answer{}, left
}

// deliveryError says why a collector did not accept a segment.
type deliveryError struct {
	collector string
	outcome   report.Outcome
	err       error // nil: the outcome says it all
}

func (e *deliveryError) Error() string {
	s := "collector " + e.collector + ": " + string(e.outcome)
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

func (e *deliveryError) Unwrap() error { return e.err }

// why returns the latest failure of a delivery, or nil if the latest delivery succeeded.
func (c *courier) why() error {
	if e := c.failure.Load(); e != nil {
		return e
	}
	return nil
}

// attempt uploads a segment to one collector and judges the answer.
func (c *courier) attempt(ctx context.Context, to policy.Collector, s Segment, u *upload, body []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	delivery, err := report.AppendDelivery(nil, report.Delivery{Age: age(s), Path: u.path})
	if err != nil {
		return answer{outcome: report.Unknown, err: err}
	}
	c.attempts.Add(1)
	c.uploadedBytes += uint64(len(body))
	response := c.transport.Deliver(ctx, to, s.ID, delivery, body)
	return judge(to, s.ID, sha256.Sum256(body), response)
}

// settle deletes a segment for which there is a final receipt.
func (c *courier) settle(permit *permit, s Segment, from policy.Collector, r answer, body []byte) {
	if r.decision == receipt.Stored {
		c.spooler.logSent(permit, s, from, body)
	}
	c.delete(s)
	c.settled(s, from, r)
	if r.decision == receipt.Refused {
		info, _ := seal.ParseSegment(body)
		// without its header
		c.spooler.recorder.drop(report.DropRefused, uint64(max(info.Frames-1, 1)))
	}
}

// delete removes a settled segment from the spool. If that fails, a later pass tries again, or
// another agent delivers it once more and the collector recognizes its id.
func (c *courier) delete(s Segment) {
	if err := c.spooler.spool.Remove(s.ID); err == nil {
		delete(c.uploads, s.ID)
	} else {
		c.uploads[s.ID] = &upload{done: true}
	}
}

// settled counts a settled segment and emits its event.
func (c *courier) settled(s Segment, from policy.Collector, r answer) {
	e := Event{Kind: EventNotDelivered, Batch: s.ID, Collector: from.ID, Outcome: r.outcome, Reason: r.reason}
	if r.decision == receipt.Stored {
		c.delivered.Add(1)
		c.deliveredBytes.Add(uint64(s.Size))
		e.Kind, e.Outcome = EventDelivered, report.OK
	}
	c.events.emit(e)
}

// age returns the time from a segment's birth until now, in ms.
func age(s Segment) uint64 {
	return uint64(min(max(sinceBirth(s.Birth, time.Now()), 0), report.MaxAge))
}
