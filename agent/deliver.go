package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

const (
	lockRetry  = 50 * time.Millisecond // between looks at another process's upload
	lockLater  = 2 * time.Second       // until deliverLoop looks again
	afterPanic = time.Minute           // until deliverLoop tries again
	purgeRetry = time.Minute           // between tries to delete a spool that should be gone
	idle       = 24 * time.Hour        // nothing to do
)

// deliverAll delivers what is in the spool and looks for a newer policy if it is time to. When
// another agent uploads from the spool it waits for its turn, but no longer than patience. It
// returns when to call it again.
func (a *Agent) deliverAll(ctx context.Context, patience time.Duration) (again time.Time) {
	again = time.Now().Add(afterPanic)
	defer a.caught()
	select {
	case a.pass <- struct{}{}:
		defer func() { <-a.pass }()
	case <-ctx.Done():
		return again
	}
	again = a.afterWithdrawal(ctx, patience)
	ctx, cancel := a.whileConsented(ctx)
	defer cancel()
	if a.userConsent() == report.Off || ctx.Err() != nil {
		return again
	}
	if a.mayDeliver() {
		if at := a.uploading(ctx, patience, func(p *checkedPolicy) time.Time { return a.deliverSpool(ctx, p) }); at.Before(again) {
			again = at
		}
	}
	// no collector answers, and somebody waits for us
	hopeless := patience > 0 && a.firstReady(a.currentPolicy()).After(time.Now())
	if due := a.refreshDue(); !time.Now().Before(due) && !hopeless && ctx.Err() == nil {
		a.refreshPolicy(ctx)
	}
	if due := a.refreshDue(); due.Before(again) {
		again = due
	}
	return again
}

// afterWithdrawal does what is left to do once consent was withdrawn, also when there is consent
// again: it deletes what could not be deleted, and delivers notices, which are what is left to say
// about what was sent. It returns when to call it again.
func (a *Agent) afterWithdrawal(ctx context.Context, patience time.Duration) (again time.Time) {
	again = a.purgeAgain()
	if len(a.notices()) == 0 || ctx.Err() != nil {
		return again
	}
	if at := a.uploading(ctx, patience, func(p *checkedPolicy) time.Time { return a.deliverNotices(ctx, p) }); at.Before(again) {
		again = at
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

// mayDeliver reports whether policy and consent let the agent deliver. Unlike level it does not
// change with Shutdown, which delivers.
func (a *Agent) mayDeliver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.policy.Effective(a.user, time.Now()) != report.Off
}

// uploading calls deliver, as the only agent on this spool that uploads, if there is a collector to
// deliver to. It returns when to go on.
func (a *Agent) uploading(ctx context.Context, patience time.Duration, deliver func(*checkedPolicy) time.Time) (again time.Time) {
	p := a.currentPolicy()
	if at := a.firstReady(p); at.After(time.Now()) {
		return at
	}
	unlock, err := a.lockUpload(ctx, patience)
	if err != nil {
		return a.later()
	}
	defer unlock()
	return deliver(p)
}

// later is when to look again for what is in the way now.
func (a *Agent) later() time.Time { return time.Now().Add(lockLater + a.uniform(lockLater)) }

// deliverSpool uploads the finished segments, this agent's open one among them, as long as a
// collector takes them. It returns when to go on.
func (a *Agent) deliverSpool(ctx context.Context, p *checkedPolicy) (again time.Time) {
	segments, err := a.finished()
	if err != nil {
		return a.later()
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

// finished ends the open segment and returns all finished ones: first those that were tried least,
// so that one that no collector gets to see does not hold up the others, then the oldest.
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
