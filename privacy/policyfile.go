package privacy

import (
	"bytes"
	"crypto/ed25519"
	"errors"
)

// Reasons for which a policy is refused although it is well-formed.
var (
	ErrPolicySignature = errors.New("policy is not signed by a trusted key") // an unknown signer, or an altered policy
	ErrPolicyRollback  = errors.New("policy is older than the one held")
)

// The layout of a signed policy:
//
//	3     "HGP"
//	1     version, 1
//	32    Ed25519 public key of the signer
//	64    Ed25519 signature over policyContext and the rest
//	rest  the policy in CBOR
const (
	policyMagic   = "HGP"
	policyVersion = 1
	policyContext = "heliograph policy v1\x00"
	policySigner  = 4
	policySig     = policySigner + ed25519.PublicKeySize
	policyBody    = policySig + ed25519.SignatureSize
)

// SignPolicy writes p's defaults in and signs it. It refuses a policy that Validate finds fault with. The signer need not be one of
// p.Signers: those sign what comes after p.
func SignPolicy(p *Policy, key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("sign policy: not an Ed25519 private key")
	}
	if err := p.Validate(); err != nil {
		return nil, errors.Join(errors.New("sign policy: it is not valid"), err)
	}
	body := appendPolicy(nil, p.withDefaults())
	if policyBody+len(body) > MaxPolicy {
		return nil, because(ErrTooLarge, "policy exceeds MaxPolicy")
	}
	b := append(make([]byte, 0, policyBody+len(body)), policyMagic...)
	b = append(append(b, policyVersion), key.Public().(ed25519.PublicKey)...)
	b = append(b, ed25519.Sign(key, policyMessage(body))...)
	return append(b, body...), nil
}

// OpenPolicy returns the policy that one of the trusted keys signed. It does not judge its age: see Policy.Expired and Policy.Next. Its
// errors wrap ErrTooLarge, ErrTruncated, ErrMalformed, ErrVersion or ErrPolicySignature. The policy shares no memory with b.
func OpenPolicy(b []byte, trusted ...ed25519.PublicKey) (*Policy, error) {
	signer, err := PolicySigner(b)
	if err != nil {
		return nil, err
	}
	if !containsKey(trusted, signer) {
		return nil, because(ErrPolicySignature, "unknown signer")
	}
	body := b[policyBody:]
	if !ed25519.Verify(signer, policyMessage(body), b[policySig:policyBody]) {
		return nil, because(ErrPolicySignature, "signature does not match")
	}
	p, err := decodePolicy(body)
	if err != nil {
		return nil, because(ErrMalformed, "policy: "+err.Error())
	}
	return p, nil
}

// PolicySigner returns the key that a signed policy names as its signer, without looking at the signature: for trust in a file that was
// handed over, such as the one bundled with an application. Its errors wrap ErrTooLarge, ErrTruncated, ErrMalformed or ErrVersion.
func PolicySigner(b []byte) (ed25519.PublicKey, error) {
	if len(b) > MaxPolicy {
		return nil, because(ErrTooLarge, "policy exceeds MaxPolicy")
	}
	if err := checkMagic(b, policyMagic, policyVersion); err != nil {
		return nil, err
	}
	if len(b) <= policyBody {
		return nil, because(ErrTruncated, "policy ends before its body")
	}
	return bytes.Clone(b[policySigner:policySig]), nil
}

// Next opens b as the policy to follow p, or p itself again. Besides OpenPolicy's errors, with p.Signers as the trusted keys, there is
// ErrPolicyRollback: for a lower version, and for another policy of the same version.
func (p *Policy) Next(b []byte) (*Policy, error) {
	trusted := make([]ed25519.PublicKey, len(p.Signers))
	for i, k := range p.Signers {
		trusted[i] = k
	}
	next, err := OpenPolicy(b, trusted...)
	switch {
	case err != nil:
		return nil, err
	case next.Version < p.Version:
		return nil, ErrPolicyRollback
	case next.Version == p.Version && !bytes.Equal(appendPolicy(nil, p.withDefaults()), b[policyBody:]):
		return nil, because(ErrPolicyRollback, "same version, other content")
	}
	return next, nil
}

func policyMessage(body []byte) []byte {
	return append(append(make([]byte, 0, len(policyContext)+len(body)), policyContext...), body...)
}
