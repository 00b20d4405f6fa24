package agent

import (
	"context"
	mathrand "math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/report"
)

const (
	lockRetry  = 50 * time.Millisecond // between checks whether another process is still uploading
	lockLater  = 2 * time.Second       // until loop looks again
	afterPanic = time.Minute           // until loop tries again
	purgeRetry = time.Minute           // between attempts to delete the spool
	idle       = 24 * time.Hour        // nothing to do
)

// courier delivers the segments in the spool and fetches newer policies.
type courier struct {
	transport Transport
	uncapped  bool // see Options
	spooler   *spooler
	consent   *consent
	events    *events
	ctx       context.Context // of the loop's transfers
	cancel    context.CancelFunc

	attempts, delivered, deliveredBytes atomic.Uint64 // see Stats
	failure                             atomic.Pointer[deliveryError]

	// pass is the courier's lock: a channel of capacity 1 that is locked by sending to it, so that
	// waiting for it can be given up. It is locked during transfers and guards the
	// following fields.
	pass          chan struct{}
	rand          *mathrand.Rand
	collectors    map[string]*collector
	uploads       map[report.BatchID]*upload
	notices       map[report.BatchID]*upload
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
	c.uploads, c.notices = make(map[report.BatchID]*upload), make(map[report.BatchID]*upload)
	c.policyBackoff = newBackoff(policyRetry, policyRetryMax)
}

// loop delivers soon after a segment is stored, and again when a collector's waiting time is over,
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

// maxSendJitter spreads the uploads of many clients that saw the same failure. It is small compared
// with a window.
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

// deliverAll delivers the segments in the spool and fetches a newer policy if that is due. If
// another agent is uploading from the spool, deliverAll waits for it, but no longer than patience.
// It returns when to call it again.
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
	// no collector is ready, and a caller is waiting
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
