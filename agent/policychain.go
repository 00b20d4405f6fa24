package agent

import (
	"encoding/binary"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

// policyChain has the policies that lead from the bundled one to the one in force. Each is signed
// by a key that the one before it names. The spool stores them, so that a changed signing key
// survives a restart and a tampered file is recognized.
type policyChain struct {
	checked int64    // when a collector last confirmed the newest, in Unix seconds
	signed  [][]byte // oldest first, without the bundled one
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

// decodeChain decodes as much as is valid. It does not verify the policies; follow does.
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

// add appends a verified policy. If one of the bundled policy's signers signed it, the policies
// before it are removed. If the chain is at its limit, the policy is left out and will be
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

// policyStore stores the chain in the spool. The spooler's lock guards it.
type policyStore struct {
	spool   Spool
	bundled *checkedPolicy
	chain   policyChain // leads to the policy in force
}

// load returns the newest policy in the spool and the chain that leads to it.
func (s *policyStore) load() (*checkedPolicy, policyChain, error) {
	state, err := s.spool.State(statePolicy, func([]byte) []byte { return nil })
	if err != nil {
		return nil, policyChain{}, err
	}
	newest, chain := decodeChain(state).follow(s.bundled)
	return newest, chain, nil
}

// save stores the chain, whose last policy has that version, unless another process has stored a
// newer one. If the spool fails, the policy is fetched again later.
func (s *policyStore) save(version uint64) {
	state := s.chain.encode()
	_, _ = s.spool.State(statePolicy, func(old []byte) []byte {
		if other, _ := decodeChain(old).follow(s.bundled); other.Version > version {
			return nil
		}
		return state
	})
}

// loadPolicy adopts the newest policy in the spool. The caller holds mu.
func (s *spooler) loadPolicy() {
	newest, chain, err := s.policies.load()
	if err == nil && newest.Version >= s.consent.inForce().Version {
		s.policies.chain = chain
		s.consent.adopt(newest)
	}
}

// keepPolicy records that a collector was asked for policies now. If next is not nil, it puts next
// in force and stores it. It does nothing and returns false if the permit was withdrawn meanwhile.
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

// policyChecked returns when a collector was last asked for policies, in Unix seconds.
func (s *spooler) policyChecked() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policies.chain.checked
}
