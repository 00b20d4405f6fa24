package agent

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

var errNoPolicy = errors.New("answer is not a policy")

// refreshDue returns when to ask for a newer policy.
func (c *courier) refreshDue() time.Time {
	if c.refreshAt.IsZero() {
		checked, now := c.spooler.policyChecked(), time.Now()
		c.refreshAt = now
		if checked <= now.Unix() { // otherwise the clock was set back
			c.refreshAt = time.Unix(checked, 0).Add(c.consent.inForce().refreshInterval())
		}
	}
	return c.refreshAt
}

// refreshPolicy asks one collector after another for a newer policy until one answers. It also asks
// those that accept no segments now, because their policy may have the kill switch. Once the policy
// in force has expired, it asks all of them and so gets the newest.
func (c *courier) refreshPolicy(ctx context.Context, permit *permit) {
	p, answered := c.consent.inForce(), false
	for _, from := range c.askingOrder(p.Collectors) {
		if c.askForPolicy(ctx, permit, from) {
			answered = true
			if !p.Expired(time.Now()) {
				break
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
	if !answered {
		c.refreshAt = time.Now().Add(min(p.refreshInterval(), c.policyBackoff.NextBackOff()))
		return
	}
	c.policyBackoff.Reset()
	jitter := uniform(c.rand, p.refreshInterval()/8)
	c.refreshAt = time.Now().Add(c.consent.inForce().refreshInterval() + jitter)
}

// secondOpinion is how often another collector than the usual one is asked for the policy: once in
// so many times.
const secondOpinion = 4

// askingOrder returns the order in which collectors are asked for policies. It is the order in
// which they are tried, except that now and then another one comes first, whatever its priority.
// Otherwise a compromised collector could serve an old policy for ever, because it might be the
// only one that is asked.
func (c *courier) askingOrder(all []policy.Collector) []policy.Collector {
	order := c.order(all)
	if len(order) > 1 && c.rand.IntN(secondOpinion) == 0 {
		other := 1 + c.rand.IntN(len(order)-1)
		order[0], order[other] = order[other], order[0]
	}
	return order
}

// askForPolicy asks one collector and reports whether it answered with the policy in force or a
// newer one.
func (c *courier) askForPolicy(ctx context.Context, permit *permit, from policy.Collector) bool {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	r := c.transport.FetchPolicy(ctx, from, c.etag)
	err := r.Err
	if err == nil {
		err = c.judgePolicy(permit, r)
	}
	if err == nil {
		return true
	}
	if ctx.Err() == nil {
		c.events.emit(Event{Kind: EventPolicyRefused, Collector: from.ID, Outcome: r.Outcome, Err: err})
	}
	return false
}

// judgePolicy adopts the policy in an answer if it is valid and newer.
func (c *courier) judgePolicy(permit *permit, r Response) error {
	const notModified = 304
	if r.Status == notModified && c.etag != "" {
		c.spooler.keepPolicy(permit, nil, nil)
		return nil
	}
	if r.Outcome != report.OK {
		return errNoPolicy
	}
	next, err := c.consent.inForce().next(r.Body)
	if err != nil {
		return err
	}
	c.etag = r.ETag
	if c.spooler.keepPolicy(permit, next, r.Body) && next != nil {
		c.events.emit(Event{Kind: EventPolicy, Count: next.Version})
	}
	return nil
}
