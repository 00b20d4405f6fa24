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
	failure                             atomic.Pointer[deliveryError]

	// pass is the courier's lock: a channel of capacity 1 that is held by sending to it, so that
	// who waits for it can give up. It is held during transfers, and owns what follows.
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
