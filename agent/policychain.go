package agent

import (
	"encoding/binary"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

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

// policyStore keeps the chain in the spool. The spooler's lock owns it.
type policyStore struct {
	spool   Spool
	bundled *checkedPolicy
	chain   policyChain // that leads to the policy in force
}

// load returns the newest policy that the spool knows and the chain to it.
func (s *policyStore) load() (*checkedPolicy, policyChain, error) {
	state, err := s.spool.State(statePolicy, func([]byte) []byte { return nil })
	if err != nil {
		return nil, policyChain{}, err
	}
	newest, chain := decodeChain(state).follow(s.bundled)
	return newest, chain, nil
}

// save keeps the chain, whose last policy has a version, unless another process knows a newer one:
// this one will come to it, too. A spool that cannot keep it costs one more fetch, no more.
func (s *policyStore) save(version uint64) {
	state := s.chain.encode()
	_, _ = s.spool.State(statePolicy, func(old []byte) []byte {
		if other, _ := decodeChain(old).follow(s.bundled); other.Version > version {
			return nil
		}
		return state
	})
}

// loadPolicy takes up the newest policy that the spool knows. The caller holds mu.
func (s *spooler) loadPolicy() {
	newest, chain, err := s.policies.load()
	if err == nil && newest.Version >= s.consent.inForce().Version {
		s.policies.chain = chain
		s.consent.adopt(newest)
	}
}

// keepPolicy notes that policies were looked for now, and puts next, if it is not nil, in force and
// into the spool. It reports false and does nothing when the permit was withdrawn meanwhile.
func (s *spooler) keepPolicy(permit *permit, next *checkedPolicy, signed []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !permit.valid() {
		return false
	}
	s.policies.chain.checked = time.Now().Unix()
	if next != nil {
		s.policies.chain = s.policies.chain.add(s.policies.bundled, signed)
		s.consent.adopt(next)
	}
	s.policies.save(s.consent.inForce().Version)
	return true
}

// policyChecked is when policies were looked for, in Unix seconds.
func (s *spooler) policyChecked() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policies.chain.checked
}
