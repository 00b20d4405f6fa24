package policy

import (
	"bytes"
	"crypto/ed25519"
	"errors"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// Errors for well-formed policies that are refused.
var (
	// an unknown signer, or an altered policy
	ErrSignature = errors.New("policy is not signed by a trusted key")
	ErrRollback  = errors.New("policy is older than the one held")
	// a policy of a later release, which this one can follow but not write
	ErrForeign = errors.New("policy has fields that this release does not know; change it with the release that wrote it")
)

// The layout of a signed policy:
//
//	3     "HGP"
//	1     version, 1
//	32    Ed25519 public key of the signer
//	64    Ed25519 signature over signContext and the rest
//	rest  the policy in CBOR
const (
	magic       = "HGP"
	version     = 1
	signContext = "heliograph policy v1\x00"
	signerAt    = 4
	signatureAt = signerAt + ed25519.PublicKeySize
	bodyAt      = signatureAt + ed25519.SignatureSize
)

// Sign fills in the defaults of p and returns the signed policy. It does not change p. It returns
// the error of [Policy.Validate] if p is invalid, and [ErrForeign] if p was read from a policy with
// fields that would be lost. The signer need not be one of p.Signers, which
// sign the policies that follow p.
func Sign(p *Policy, key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("sign policy: not an Ed25519 private key")
	}
	if err := p.Validate(); err != nil {
		return nil, errors.Join(errors.New("sign policy: it is not valid"), err)
	}
	if p.foreign != nil {
		return nil, wire.Because(ErrForeign, "sign policy")
	}
	body := appendPolicy(nil, p.withDefaults())
	if bodyAt+len(body) > MaxSize {
		return nil, wire.Because(privacy.ErrTooLarge, "policy exceeds MaxSize")
	}
	b := append(make([]byte, 0, bodyAt+len(body)), magic...)
	b = append(append(b, version), key.Public().(ed25519.PublicKey)...)
	b = append(b, ed25519.Sign(key, message(body))...)
	return append(b, body...), nil
}

// Open checks that one of the trusted keys signed b and returns the policy in it. It does not check
// the policy's age; see [Policy.Expired] and [Policy.Next]. Its errors wrap [privacy.ErrTooLarge],
// [privacy.ErrTruncated], [privacy.ErrMalformed], [privacy.ErrVersion] or [ErrSignature]. The
// policy shares no memory with b.
func Open(b []byte, trusted ...ed25519.PublicKey) (*Policy, error) {
	signer, err := Signer(b)
	if err != nil {
		return nil, err
	}
	if !wire.ContainsKey(trusted, signer) {
		return nil, wire.Because(ErrSignature, "unknown signer")
	}
	body := b[bodyAt:]
	if !ed25519.Verify(signer, message(body), b[signatureAt:bodyAt]) {
		return nil, wire.Because(ErrSignature, "signature does not match")
	}
	p, err := decodePolicy(body)
	if err != nil {
		return nil, wire.Because(privacy.ErrMalformed, "policy: "+err.Error())
	}
	return p, nil
}

// Signer returns the key that a signed policy names as its signer, without checking the signature.
// It is for files that are trusted for other reasons, such as the policy bundled with an
// application. Its errors wrap [privacy.ErrTooLarge], [privacy.ErrTruncated],
// [privacy.ErrMalformed] or [privacy.ErrVersion].
func Signer(b []byte) (ed25519.PublicKey, error) {
	if len(b) > MaxSize {
		return nil, wire.Because(privacy.ErrTooLarge, "policy exceeds MaxSize")
	}
	if err := wire.CheckMagic(b, magic, version); err != nil {
		return nil, err
	}
	if len(b) <= bodyAt {
		return nil, wire.Because(privacy.ErrTruncated, "policy ends before its body")
	}
	return bytes.Clone(b[signerAt:signatureAt]), nil
}

// Next opens b as the successor of p, or as p itself again. It trusts p.Signers. Its errors are
// those of [Open], and [ErrRollback] for a lower version or for a different policy of the
// same version.
func (p *Policy) Next(b []byte) (*Policy, error) {
	trusted := make([]ed25519.PublicKey, len(p.Signers))
	for i, k := range p.Signers {
		trusted[i] = k
	}
	next, err := Open(b, trusted...)
	switch {
	case err != nil:
		return nil, err
	case next.Version < p.Version:
		return nil, ErrRollback
	case next.Version == p.Version && !bytes.Equal(p.encoded(), b[bodyAt:]):
		return nil, wire.Because(ErrRollback, "same version, other content")
	}
	return next, nil
}

// encoded returns the encoding of p in a signed policy.
func (p *Policy) encoded() []byte {
	if p.foreign != nil {
		return p.foreign
	}
	return appendPolicy(nil, p.withDefaults())
}

func message(body []byte) []byte {
	return append(append(make([]byte, 0, len(signContext)+len(body)), signContext...), body...)
}
