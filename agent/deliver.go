package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

const (
	attemptTimeout = time.Minute           // for one exchange, should the Transport have no limit of its own
	lockRetry      = 50 * time.Millisecond // between looks at another process's upload
	lockLater      = 2 * time.Second       // until deliverLoop looks again
	afterPanic     = time.Minute           // until deliverLoop tries again
	idle           = 24 * time.Hour        // nothing to do
)

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

// deliverAll delivers what is in the spool and looks for a newer policy if it is time to. When another agent uploads from the spool it
// waits for its turn, but no longer than patience. It returns when to call it again.
func (a *Agent) deliverAll(ctx context.Context, patience time.Duration) (again time.Time) {
	again = time.Now().Add(afterPanic)
	defer a.caught()
	select {
	case a.pass <- struct{}{}:
		defer func() { <-a.pass }()
	case <-ctx.Done():
		return again
	}
	notices := a.deliverNotices(ctx, patience)
	ctx, cancel := a.whileConsented(ctx)
	defer cancel()
	if a.userConsent() == report.Off || ctx.Err() != nil {
		return notices
	}
	again = notices
	if a.mayDeliver() {
		if at := a.deliverSpool(ctx, patience); at.Before(again) {
			again = at
		}
	}
	hopeless := patience > 0 && a.firstReady(a.currentPolicy()).After(time.Now()) // no collector answers, and somebody waits for us
	if due := a.refreshDue(); !time.Now().Before(due) && !hopeless && ctx.Err() == nil {
		a.refreshPolicy(ctx)
	}
	if due := a.refreshDue(); due.Before(again) {
		again = due
	}
	return again
}

// whileConsented returns ctx, ended when the user withdraws consent.
func (a *Agent) whileConsented(ctx context.Context) (context.Context, context.CancelFunc) {
	a.mu.Lock()
	consent := a.consent
	a.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(consent, cancel)
	return ctx, func() { stop(); cancel() }
}

// mayDeliver reports whether policy and consent let the agent deliver. Unlike level it does not change with Shutdown, which delivers.
func (a *Agent) mayDeliver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.policy.Effective(a.user, time.Now()) != report.Off
}

// deliverSpool uploads the finished segments, this agent's open one among them, as long as a collector takes them. It returns when to
// go on.
func (a *Agent) deliverSpool(ctx context.Context, patience time.Duration) (again time.Time) {
	p := a.currentPolicy()
	if at := a.firstReady(p); at.After(time.Now()) {
		return at
	}
	unlock, err := a.lockUpload(ctx, patience)
	if err != nil {
		return time.Now().Add(lockLater + a.uniform(lockLater))
	}
	defer unlock()
	segments, err := a.finished()
	if err != nil {
		return time.Now().Add(lockLater + a.uniform(lockLater))
	}
	for _, s := range segments {
		if !a.withinDay(p, s.Size) {
			return nextDay(time.Now()).Add(a.uniform(10 * time.Minute))
		}
		if !a.deliver(ctx, p, s) {
			if ctx.Err() != nil {
				return time.Now()
			}
			return a.firstReady(p)
		}
	}
	return time.Now().Add(idle)
}

// lockUpload waits for the right to upload.
func (a *Agent) lockUpload(ctx context.Context, patience time.Duration) (func(), error) {
	deadline := time.Now().Add(patience)
	for {
		unlock, err := a.o.Spool.LockUpload()
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

// finished ends the open segment and returns all finished ones: first those that were tried least, so that one that no collector gets
// to see does not hold up the others, then the oldest.
func (a *Agent) finished() ([]Segment, error) {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	a.finishSegment()
	segments, err := a.o.Spool.List()
	if err != nil {
		return nil, err
	}
	a.collectDrops()
	a.forgetOthers(segments)
	a.forgetSummaries(segments)
	slices.SortStableFunc(segments, func(x, y Segment) int { return a.tries(x.ID) - a.tries(y.ID) })
	return segments, nil
}

func (a *Agent) tries(id report.BatchID) int {
	if u := a.uploads[id]; u != nil {
		return u.tries
	}
	return 0
}

// forgetOthers drops what is remembered of segments that are gone.
func (a *Agent) forgetOthers(segments []Segment) {
	kept := make(map[report.BatchID]bool, len(segments))
	for _, s := range segments {
		kept[s.ID] = true
	}
	for id := range a.uploads {
		if !kept[id] {
			delete(a.uploads, id)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.births {
		if !kept[id] {
			delete(a.births, id)
		}
	}
}

// deliver offers a segment to each collector that is ready, until one takes it or refuses it for good. It reports false when none
// did, or ctx ended.
func (a *Agent) deliver(ctx context.Context, p *policy, s Segment) bool {
	u := a.uploads[s.ID]
	if u == nil {
		u = new(upload)
		a.uploads[s.ID] = u
	}
	body, err := a.o.Spool.Read(s.ID)
	if err != nil || u.done {
		return true // gone, or given up and counted by the spool: nothing left to deliver
	}
	unmark, ok := a.markSent(s)
	if !ok {
		return false
	}
	defer func() {
		if unmark {
			a.unmarkSent(s)
		}
	}()
	for _, c := range a.order(p.Collectors) {
		state := a.collector(c)
		if !state.ready(time.Now()) {
			continue
		}
		answer := a.attempt(ctx, c, s, u, body)
		unmark = unmark && neverLeft(answer)
		if ctx.Err() != nil && answer.verdict == none {
			return false // cut off by ourselves, which says nothing about the collector
		}
		switch answer.verdict {
		case privacy.Stored, privacy.Refused:
			state.succeeded()
			a.settle(s, c, answer, body)
			return true
		default:
			state.failed(time.Now(), answer)
			u.failed(c.ID, answer.outcome)
			a.emit(Event{Kind: EventNotDelivered, Batch: s.ID, Collector: c.ID, Outcome: answer.outcome, Err: answer.err})
		}
	}
	return false
}

// attempt uploads a segment to one collector and judges the answer.
func (a *Agent) attempt(ctx context.Context, c privacy.Collector, s Segment, u *upload, body []byte) answer {
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
func (a *Agent) settle(s Segment, c privacy.Collector, r answer, body []byte) {
	if r.verdict == privacy.Stored {
		a.logSent(s, c, len(body))
	}
	if err := a.o.Spool.Remove(s.ID); err == nil {
		delete(a.uploads, s.ID)
	} else {
		a.uploads[s.ID] = &upload{done: true} // another agent delivers it once more; its id tells that it is known
	}
	a.mu.Lock()
	delete(a.births, s.ID)
	if r.verdict == privacy.Stored {
		a.stats.Delivered++
		a.stats.DeliveredBytes += uint64(len(body))
	}
	a.mu.Unlock()
	if r.verdict == privacy.Stored {
		a.emit(Event{Kind: EventDelivered, Batch: s.ID, Collector: c.ID, Outcome: report.OK, Reason: r.reason})
		return
	}
	a.emit(Event{Kind: EventNotDelivered, Batch: s.ID, Collector: c.ID, Outcome: r.outcome, Reason: r.reason})
	info, _ := privacy.ParseSegment(body)
	a.drop(report.DropRefused, uint64(max(info.Frames-1, 1))) // its header aside
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

// withinDay reports whether n more bytes stay within what the policy lets a process upload on one UTC day.
func (a *Agent) withinDay(p *policy, n int64) bool {
	if today := utcDay(time.Now()); today != a.uploadDay {
		a.uploadDay, a.uploadedBytes = today, 0
	}
	return a.uploadedBytes+uint64(n) <= p.BytesPerDay
}

func nextDay(t time.Time) time.Time {
	return time.Unix((utcDay(t)+1)*24*60*60, 0)
}

// refreshDue is when to look for a newer policy. The caller holds the pass.
func (a *Agent) refreshDue() time.Time {
	if a.refreshAt.IsZero() {
		a.spoolMu.Lock()
		checked := a.chain.checked
		a.spoolMu.Unlock()
		now := time.Now()
		a.refreshAt = now
		if checked <= now.Unix() { // else the clock was set back
			a.refreshAt = time.Unix(checked, 0).Add(refreshInterval(a.currentPolicy()))
		}
	}
	return a.refreshAt
}
