package agent

import (
	"context"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// consent says what the agent may do: what the user allows, lowered by the policy in force. The
// recorder learns of every change before the call that makes it returns.
//
// A withdrawal takes effect at once, even if the disk hangs. So code that writes to the spool holds
// the spooler's lock and checks the consent under it. A withdrawal first changes the state and then
// deletes the spool under that lock. So whatever was written under the old consent is deleted, and
// nothing is written later.
type consent struct {
	recorder *recorder

	mu     sync.Mutex // guards the following fields
	state  consentState
	user   report.Consent // what the user allows; Off unless state.allows
	policy *checkedPolicy // in force
	permit *permit        // the latest; never nil
}

// permit is one uninterrupted consent of any level. It is immutable.
type permit struct {
	since time.Time       // when it was given; zero: before this agent
	ended context.Context // done when it is withdrawn, so that uploads stop at once
	end   context.CancelFunc
}

func newPermit(since time.Time) *permit {
	p := &permit{since: since}
	p.ended, p.end = context.WithCancel(context.Background())
	return p
}

// valid reports whether the permit has not been withdrawn.
func (p *permit) valid() bool { return p.ended.Err() == nil }

// while returns a copy of ctx that also ends when the permit is withdrawn.
func (p *permit) while(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(p.ended, cancel)
	return ctx, func() { stop(); cancel() }
}

func (c *consent) init(bundled *checkedPolicy, r *recorder) {
	c.recorder, c.policy = r, bundled
	c.permit = newPermit(time.Time{})
	c.permit.end()
}

// grant begins a consent after a time without one. The user gave it at since; zero means before
// this agent. It returns false if the state does not allow it.
func (c *consent) grant(user report.Consent, since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != starting && c.state != off {
		return false
	}
	c.user, c.permit = user, newPermit(since)
	c.step(granted)
	return true
}

// change raises or lowers what the user allows. It returns false if the user allows nothing now.
func (c *consent) change(user report.Consent) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.state.allows() {
		return false
	}
	c.user = user
	c.step(granted)
	return true
}

// withdraw ends the consent and everything that runs under it.
func (c *consent) withdraw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user = report.Off
	c.permit.end()
	c.step(revoked)
}

// purged records the result of an attempt to delete the spool.
func (c *consent) purged(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.step(purgeFailed)
	} else {
		c.step(purged)
	}
}

// review lowers the level if the policy has expired.
func (c *consent) review() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step(reviewed)
}

// adopt puts a policy in force.
func (c *consent) adopt(p *checkedPolicy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.policy = p
	c.step(reviewed)
}

// close ends recording for good, but not the user's consent.
func (c *consent) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step(shutDown)
}

// step makes a transition and informs the recorder. The caller holds mu.
func (c *consent) step(e consentEvent) {
	level := c.policy.Effective(c.user, time.Now())
	c.state = c.state.next(e, level)
	t := terms{policy: c.policy, keep: level, since: c.permit.since}
	if c.state.records() {
		t.record = level
	}
	c.recorder.follow(t)
}

// now returns the state and the policy in force.
func (c *consent) now() (consentState, *checkedPolicy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.policy
}

// inForce returns the policy in force.
func (c *consent) inForce() *checkedPolicy {
	_, p := c.now()
	return p
}

// allows reports whether the user allows something.
func (c *consent) allows() bool {
	state, _ := c.now()
	return state.allows()
}

// delivers reports whether user and policy allow the agent to deliver records. This may be so even
// if it no longer records; see draining.
func (c *consent) delivers() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.policy.Effective(c.user, time.Now()) != report.Off
}

// current returns the latest permit, which may have been withdrawn.
func (c *consent) current() *permit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.permit
}
