package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// checkedPolicy is a verified policy. It is immutable.
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

// openBundled opens the bundled policy, whose signature is trusted.
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

// next verifies a policy that follows p. It returns nil, nil for p itself.
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

// refreshInterval returns how often the agent asks for a newer policy.
func (p *checkedPolicy) refreshInterval() time.Duration {
	return time.Duration(p.RefreshSeconds) * time.Second
}
