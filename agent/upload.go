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

// attemptTimeout is for one exchange, should the Transport have no limit of its own.
const attemptTimeout = time.Minute

// upload is what an agent remembers of a segment that it could not deliver yet. The pass owns it.
type upload struct {
	tries int
	path  []report.Attempt // the latest report.MaxPath
	done  bool             // settled, but the spool could not delete it
}

func (u *upload) failed(collector string, outcome report.Outcome) {
	u.tries++
	if len(u.path) == report.MaxPath {
		u.path = slices.Delete(u.path, 0, 1)
	}
	u.path = append(u.path, report.Attempt{Collector: collector, Outcome: outcome})
}

// deliver offers a segment to the collectors. It reports false when its fate is open: none decided
// it, or ctx ended.
func (a *Agent) deliver(ctx context.Context, p *checkedPolicy, s Segment) bool {
	u := a.uploads[s.ID]
	if u == nil {
		u = new(upload)
		a.uploads[s.ID] = u
	}
	if u.done {
		a.delete(s)
		return true
	}
	body, err := a.o.Spool.Read(s.ID)
	if err != nil {
		return true // gone, or given up and counted by the spool: nothing left to deliver
	}
	fresh, ok := a.markSent(s)
	if !ok {
		return false
	}
	c, answer, left := a.offer(ctx, p, s, u, body)
	if fresh && !left {
		a.unmarkSent(s)
	}
	if answer.verdict == none {
		return false
	}
	a.settle(s, c, answer, body)
	return true
}

// offer offers a segment to each collector that is ready, until one takes it or refuses it for
// good: that one and its answer are returned, else an answer without a verdict. left is false when
// it is certain that no byte of the segment got out.
func (a *Agent) offer(ctx context.Context, p *checkedPolicy, s Segment, u *upload, body []byte) (c policy.Collector, r answer, left bool) {
	for _, c = range a.order(p.Collectors) {
		state := a.collector(c)
		if !state.ready(time.Now()) {
			continue
		}
		r = a.attempt(ctx, c, s, u, body)
		left = left || !neverLeft(r)
		switch {
		case r.verdict == receipt.Stored, r.verdict == receipt.Refused:
			state.succeeded()
			return c, r, left
		case ctx.Err() != nil && r.verdict == none:
			return c, answer{}, left // cut off by ourselves, which says nothing about the collector
		}
		state.failed(time.Now(), r)
		u.failed(c.ID, r.outcome)
		a.emit(Event{Kind: EventNotDelivered, Batch: s.ID, Collector: c.ID, Outcome: r.outcome, Err: r.err})
	}
	return c, answer{}, left
}

// attempt uploads a segment to one collector and judges the answer.
func (a *Agent) attempt(ctx context.Context, c policy.Collector, s Segment, u *upload, body []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	delivery, err := report.AppendDelivery(nil, report.Delivery{Age: a.age(s), Path: u.path})
	if err != nil {
		return answer{outcome: report.Unknown, err: err}
	}
	a.mu.Lock()
	a.stats.Attempts++
	a.mu.Unlock()
	a.uploadedBytes += uint64(len(body))
	response := a.o.Transport.Deliver(ctx, c, s.ID, delivery, body)
	return judge(c, s.ID, sha256.Sum256(body), response)
}

// settle deletes a segment whose fate a receipt has decided.
func (a *Agent) settle(s Segment, c policy.Collector, r answer, body []byte) {
	if r.verdict == receipt.Stored {
		a.logSent(s, c, len(body))
	}
	a.delete(s)
	a.settled(s, c, r)
	if r.verdict == receipt.Refused {
		info, _ := seal.ParseSegment(body)
		a.drop(report.DropRefused, uint64(max(info.Frames-1, 1))) // its header aside
	}
}

// delete takes a settled segment out of the spool. If it stays, a later pass tries again; another
// agent delivers it once more, and its id tells that it is known.
func (a *Agent) delete(s Segment) {
	if err := a.o.Spool.Remove(s.ID); err == nil {
		delete(a.uploads, s.ID)
	} else {
		a.uploads[s.ID] = &upload{done: true}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.births, s.ID)
}

// settled counts and tells what became of a segment.
func (a *Agent) settled(s Segment, c policy.Collector, r answer) {
	e := Event{Kind: EventNotDelivered, Batch: s.ID, Collector: c.ID, Outcome: r.outcome, Reason: r.reason}
	if r.verdict == receipt.Stored {
		a.mu.Lock()
		a.stats.Delivered++
		a.stats.DeliveredBytes += uint64(s.Size)
		a.mu.Unlock()
		e.Kind, e.Outcome = EventDelivered, report.OK
	}
	a.emit(e)
}

// age is the time from a segment's birth until now, in ms.
func (a *Agent) age(s Segment) uint64 {
	a.mu.Lock()
	birth, ok := a.births[s.ID]
	a.mu.Unlock()
	if !ok {
		birth = s.Birth
	}
	return uint64(min(max(sinceBirth(birth, time.Now()), 0), report.MaxAge))
}

func (a *Agent) rememberBirth(id report.BatchID, birth time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.births[id] = birth
}

// withinDay reports whether n more bytes stay within what the policy lets a process upload on
// one UTC day.
func (a *Agent) withinDay(p *checkedPolicy, n int64) bool {
	if today := utcDay(time.Now()); today != a.uploadDay {
		a.uploadDay, a.uploadedBytes = today, 0
	}
	return a.o.Uncapped || a.uploadedBytes+uint64(n) <= p.BytesPerDay
}

func nextDay(t time.Time) time.Time {
	return time.Unix((utcDay(t)+1)*24*60*60, 0)
}
