package agent

import (
	"context"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

var errNoPolicy = errors.New("answer is not a policy")

// refreshDue is when to look for a newer policy.
func (c *courier) refreshDue() time.Time {
	if c.refreshAt.IsZero() {
		checked, now := c.spooler.policyChecked(), time.Now()
		c.refreshAt = now
		if checked <= now.Unix() { // else the clock was set back
			c.refreshAt = time.Unix(checked, 0).Add(c.consent.inForce().refreshInterval())
		}
	}
	return c.refreshAt
}

// refreshPolicy asks the collectors for a newer policy, one after another until one answers, those
// that take no segments now among them: what they have to say may be the kill switch. Once the
// policy in force has expired it asks them all, and so takes the newest.
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

// secondOpinion is how often another collector is asked for the policy than the one whose turn it
// is: one time in so many.
const secondOpinion = 4

// askingOrder is the order in which collectors are asked for policies: that in which they are
// tried, but at times another one comes first, whatever its priority. A collector whose host is in
// other hands can serve an old policy for ever, and would else be the only one that is asked.
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

// judgePolicy takes up the policy in an answer, if it is one and a newer one.
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
