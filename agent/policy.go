package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

var errNoPolicy = errors.New("answer is not a policy")

// checkedPolicy is a verified policy. It does not change.
type checkedPolicy struct {
	*policy.Policy
	seal *seal.Key
}

func newPolicy(p *policy.Policy) (*checkedPolicy, error) {
	key, err := seal.ParseKey(p.SealKey)
	if err != nil {
		return nil, err
	}
	return &checkedPolicy{Policy: p, seal: key}, nil
}

// openBundled trusts whoever signed the policy that the application brought.
func openBundled(signed []byte) (*checkedPolicy, error) {
	signer, err := policy.Signer(signed)
	if err != nil {
		return nil, err
	}
	p, err := policy.Open(signed, signer)
	if err != nil {
		return nil, err
	}
	return newPolicy(p)
}

// next verifies a policy that is to follow p. It returns nil, nil for p itself.
func (p *checkedPolicy) next(signed []byte) (*checkedPolicy, error) {
	next, err := p.Policy.Next(signed)
	if err != nil {
		return nil, err
	}
	if next.Version == p.Version {
		return nil, nil
	}
	return newPolicy(next)
}

// policyChain is what the spool keeps of policies: those that lead from the bundled one to the one
// in force, each signed by a key that the one before it names, so that a changed signing key
// survives a restart and a tampered file is not believed.
type policyChain struct {
	checked int64    // Unix seconds of the last successful look for a newer one
	signed  [][]byte // oldest first, the bundled one not among them
}

const (
	statePolicy = "policy"
	maxChain    = 8
)

// encode returns checked in 8 bytes, then each policy after its length in 4, all big-endian.
func (c policyChain) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.checked))
	for _, signed := range c.signed {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(signed))), signed...)
	}
	return b
}

// decodeChain reads as much as makes sense; each policy is verified by whoever follows the chain.
func decodeChain(b []byte) (c policyChain) {
	if len(b) < 8 {
		return c
	}
	c.checked = int64(binary.BigEndian.Uint64(b))
	for b = b[8:]; len(b) >= 4 && len(c.signed) < maxChain; {
		n := binary.BigEndian.Uint32(b)
		if b = b[4:]; n > policy.MaxSize || uint64(n) > uint64(len(b)) {
			break
		}
		c.signed = append(c.signed, b[:n:n])
		b = b[n:]
	}
	return c
}

// follow returns the newest policy that the chain proves, starting from the bundled one, and the
// part of the chain that it needs.
func (c policyChain) follow(bundled *checkedPolicy) (*checkedPolicy, policyChain) {
	at, used := bundled, policyChain{checked: c.checked}
	for _, signed := range c.signed {
		if next, err := at.next(signed); err == nil && next != nil {
			at, used = next, used.add(bundled, signed)
		}
	}
	return at, used
}

// add appends a verified policy, and forgets those before it when the bundled policy's signers
// vouch for it directly. When the chain is at its limit the policy is left out: it will be
// fetched again.
func (c policyChain) add(bundled *checkedPolicy, signed []byte) policyChain {
	if _, err := bundled.next(signed); err == nil {
		c.signed = nil
	}
	if len(c.signed) < maxChain {
		c.signed = append(c.signed[:len(c.signed):len(c.signed)], signed)
	}
	return c
}

// loadPolicy takes up the newest policy that the spool knows. The caller holds spoolMu and
// has consent.
func (a *Agent) loadPolicy() {
	state, err := a.o.Spool.State(statePolicy, func([]byte) []byte { return nil })
	if err != nil {
		return
	}
	newest, chain := decodeChain(state).follow(a.bundled)
	a.mu.Lock()
	defer a.mu.Unlock()
	if newest.Version >= a.policy.Version {
		a.policy, a.chain = newest, chain
	}
}

func (a *Agent) currentPolicy() *checkedPolicy {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.policy
}

// refreshPolicy asks the collectors for a newer policy, one after another until one answers, those
// that take no segments now among them: what they have to say may be the kill switch. The caller
// holds the pass.
func (a *Agent) refreshPolicy(ctx context.Context) {
	p := a.currentPolicy()
	for _, c := range a.order(p.Collectors) {
		if a.askForPolicy(ctx, c) {
			a.policyBackoff.Reset()
			a.refreshAt = time.Now().Add(refreshInterval(a.currentPolicy()) + a.uniform(refreshInterval(p)/8))
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
	a.refreshAt = time.Now().Add(min(refreshInterval(p), a.policyBackoff.NextBackOff()))
}

func refreshInterval(p *checkedPolicy) time.Duration {
	return time.Duration(p.RefreshSeconds) * time.Second
}

// askForPolicy asks one collector and reports whether it answered with the policy in force or a
// newer one.
func (a *Agent) askForPolicy(ctx context.Context, c policy.Collector) bool {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	r := a.o.Transport.FetchPolicy(ctx, c, a.etag)
	err := r.Err
	if err == nil {
		err = a.judgePolicy(r)
	}
	if err == nil {
		return true
	}
	if ctx.Err() == nil {
		a.emit(Event{Kind: EventPolicyRefused, Collector: c.ID, Outcome: r.Outcome, Err: err})
	}
	return false
}

// judgePolicy takes up the policy in an answer, if it is one and a newer one.
func (a *Agent) judgePolicy(r Response) error {
	const notModified = 304
	if r.Status == notModified && a.etag != "" {
		a.keepPolicy(nil, nil)
		return nil
	}
	if r.Outcome != report.OK {
		return errNoPolicy
	}
	next, err := a.currentPolicy().next(r.Body)
	if err != nil {
		return err
	}
	a.etag = r.ETag
	if a.keepPolicy(next, r.Body) && next != nil {
		a.emit(Event{Kind: EventPolicy, Count: next.Version})
	}
	return nil
}

// keepPolicy notes that policies were looked for now, and puts next, if it is not nil, in force and
// into the spool. It reports false and does nothing when consent was withdrawn meanwhile.
func (a *Agent) keepPolicy(next *checkedPolicy, signed []byte) bool {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	if a.userConsent() == report.Off {
		return false
	}
	a.chain.checked = time.Now().Unix()
	if next != nil {
		a.chain = a.chain.add(a.bundled, signed)
		a.mu.Lock()
		a.policy = next
		a.relevel(time.Now())
		a.mu.Unlock()
	}
	state := a.chain.encode()
	version := a.currentPolicy().Version
	// a spool that cannot keep it costs one more fetch, no more
	_, _ = a.o.Spool.State(statePolicy, func(old []byte) []byte {
		if other, _ := decodeChain(old).follow(a.bundled); other.Version > version {
			return nil // another process knows a newer one; this one will come to it, too
		}
		return state
	})
	return true
}
