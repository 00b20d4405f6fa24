package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

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

// refreshInterval is how often newer policies are asked for.
func (p *checkedPolicy) refreshInterval() time.Duration {
	return time.Duration(p.RefreshSeconds) * time.Second
}
