package agent

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/report"
)

const (
	lockRetry  = 50 * time.Millisecond // between looks at another process's upload
	lockLater  = 2 * time.Second       // until loop looks again
	afterPanic = time.Minute           // until loop tries again
	purgeRetry = time.Minute           // between tries to delete a spool that should be gone
	idle       = 24 * time.Hour        // nothing to do
)

// courier delivers what is in the spool, and fetches newer policies.
type courier struct {
	transport Transport
	uncapped  bool // see Options
	spooler   *spooler
	consent   *consent
	events    *events
	ctx       context.Context // of the loop's transfers
	cancel    context.CancelFunc

	attempts, delivered, deliveredBytes atomic.Uint64 // see Stats

	// pass is the courier's lock: a channel of capacity 1 that is held by sending to it, so that
	// who waits for it can give up. It is held during transfers, and owns what follows.
	pass          chan struct{}
	rand          *mathrand.Rand
	collectors    map[string]*collector
	uploads       map[report.BatchID]*upload
	uploadDay     int64
	uploadedBytes uint64 // on uploadDay
	etag          string // of the policy in force
	refreshAt     time.Time
	policyBackoff *backoff.ExponentialBackOff
}

func (c *courier) init(o Options, rng *mathrand.Rand, s *spooler, e *events) {
	c.transport, c.uncapped, c.rand = o.Transport, o.Uncapped, rng
	c.spooler, c.consent, c.events = s, s.consent, e
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.pass = make(chan struct{}, 1)
	c.collectors = make(map[string]*collector)
	c.uploads = make(map[report.BatchID]*upload)
	c.policyBackoff = newBackoff(policyRetry, policyRetryMax)
}

// loop delivers soon after something was stored, and again when a collector's waiting time is over,
// until stopping is closed.
func (c *courier) loop(stopping <-chan struct{}, rng *mathrand.Rand) {
	at := time.Now().Add(uniform(rng, maxSendJitter)) // when the timer fires
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	for {
		select {
		case <-stopping:
			return
		case <-c.spooler.kicked:
			if soon := time.Now().Add(uniform(rng, c.sendJitter())); soon.Before(at) {
				at = soon
			}
		case <-timer.C:
			at = c.deliverAll(c.ctx, 0)
		}
		timer.Reset(max(time.Until(at), 0))
	}
}

// maxSendJitter spreads the uploads of many clients that saw the same failure, and yet is little
// against a window.
const maxSendJitter = time.Second

func (c *courier) sendJitter() time.Duration {
	return min(time.Duration(c.consent.inForce().WindowMS)*time.Millisecond/4, maxSendJitter)
}

// uniform returns a random duration in [0, d).
func uniform(rng *mathrand.Rand, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(rng.Int64N(int64(d)))
}

// deliverAll delivers what is in the spool and looks for a newer policy if it is time to. When
// another agent uploads from the spool it waits for its turn, but no longer than patience. It
// returns when to call it again.
func (c *courier) deliverAll(ctx context.Context, patience time.Duration) (again time.Time) {
	again = time.Now().Add(afterPanic)
	defer c.events.caught()
	select {
	case c.pass <- struct{}{}:
		defer func() { <-c.pass }()
	case <-ctx.Done():
		return again
	}
	again = c.afterWithdrawal(ctx, patience)
	permit := c.consent.current()
	ctx, cancel := permit.while(ctx)
	defer cancel()
	if !permit.valid() || ctx.Err() != nil {
		return again
	}
	if c.consent.delivers() {
		again = earlier(again, c.uploading(ctx, patience, func(p *checkedPolicy) time.Time { return c.deliverSpool(ctx, p, permit) }))
	}
	// no collector answers, and somebody waits for us
	hopeless := patience > 0 && c.firstReady(c.consent.inForce()).After(time.Now())
	if !time.Now().Before(c.refreshDue()) && !hopeless && ctx.Err() == nil {
		c.refreshPolicy(ctx, permit)
	}
	return earlier(again, c.refreshDue())
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// afterWithdrawal does what is left to do once consent was withdrawn, also when there is consent
// again: it deletes what could not be deleted, and delivers notices, which are what is left to say
// about what was sent. It returns when to call it again.
func (c *courier) afterWithdrawal(ctx context.Context, patience time.Duration) (again time.Time) {
	again = c.spooler.purgeAgain()
	if len(c.spooler.notices.list()) == 0 || ctx.Err() != nil {
		return again
	}
	return earlier(again, c.uploading(ctx, patience, func(p *checkedPolicy) time.Time { return c.deliverNotices(ctx, p) }))
}

// uploading calls deliver, as the only agent on this spool that uploads, if there is a collector to
// deliver to. It returns when to go on.
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

// later is when to look again for what is in the way now.
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

// deliverSpool uploads the finished segments, this agent's open one among them, as long as a
// collector takes them. It returns when to go on.
func (c *courier) deliverSpool(ctx context.Context, p *checkedPolicy, permit *permit) (again time.Time) {
	segments, err := c.spooler.finished()
	if err != nil {
		return c.later()
	}
	c.arrange(segments)
	for _, s := range segments {
		if !c.withinDay(p, s.Size) {
			return nextDay(time.Now()).Add(uniform(c.rand, 10*time.Minute))
		}
		if !c.deliver(ctx, p, permit, s) {
			if ctx.Err() != nil {
				return time.Now()
			}
			return c.firstReady(p)
		}
	}
	return time.Now().Add(idle)
}

// arrange puts segments, which come with the oldest first, into the order in which they are
// delivered: first those that were tried least, so that one that no collector gets to see does not
// hold up the others. It drops what is remembered of segments that are gone.
func (c *courier) arrange(segments []Segment) {
	kept := make(map[report.BatchID]*upload, len(c.uploads))
	for _, s := range segments {
		if u := c.uploads[s.ID]; u != nil {
			kept[s.ID] = u
		}
	}
	c.uploads = kept
	slices.SortStableFunc(segments, func(x, y Segment) int { return c.tries(x.ID) - c.tries(y.ID) })
}

func (c *courier) tries(id report.BatchID) int {
	if u := c.uploads[id]; u != nil {
		return u.tries
	}
	return 0
}

// deliverNotices uploads notices. It returns when to go on.
func (c *courier) deliverNotices(ctx context.Context, p *checkedPolicy) (again time.Time) {
	// read again, for another agent may have delivered some
	for _, n := range c.spooler.notices.list() {
		to, answer, _ := c.offer(ctx, p, n.Segment, new(upload), n.body)
		if answer.decision == none {
			return c.firstReady(p)
		}
		c.spooler.notices.remove(n.ID)
		c.settled(n.Segment, to, answer)
	}
	return time.Now().Add(idle)
}
