package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// Files of the old keys during a rotation, and of the next policy key. Policies are signed with the
// old key until agents know the new one.
const (
	oldFeed      = "keys/feed.old.pub.pem"
	oldOpen      = "keys/open.old.pem"
	oldOblivious = "keys/oblivious.old.pem"
	nextSigner   = "keys/policy.next.pub.pem"
	nextPolicy   = "keys/policy.next.pem"
	signer       = "keys/policy.pub.pem"
)

// beginFeed makes a new feed key. Collectors accept both.
func (o Operator) beginFeed() error {
	if err := o.move([2]string{"keys/feed.pem", "keys/feed.old.pem"}, [2]string{"keys/feed.pub.pem", oldFeed}); err != nil {
		return err
	}
	return o.newSigningKey("keys/feed")
}

func (o Operator) endFeed() error { return o.destroy("keys/feed.old.pem", oldFeed) }

// beginOpen makes a new open key. The policy names its public key, and the detector has both
// private keys.
func (o Operator) beginOpen() error {
	if err := o.move([2]string{"keys/open.pem", oldOpen}, [2]string{"keys/seal.pem", "keys/seal.old.pem"}); err != nil {
		return err
	}
	key, err := seal.GenerateOpenKey()
	if err != nil {
		return fmt.Errorf("making the open key: %w", err)
	}
	if err := replace(o.path("keys/open.pem"), keyfile.MarshalOpenKey(key), 0o600); err != nil {
		return err
	}
	if err := replace(o.path("keys/seal.pem"), keyfile.MarshalSealKey(key.SealKey()), 0o644); err != nil {
		return err
	}
	return o.raise(nil)
}

func (o Operator) endOpen() error { return o.destroy(oldOpen, "keys/seal.old.pem") }

// beginOblivious makes a new key for the gateways behind relays. It has another identifier than the
// old one, because requests name their key by it.
func (o Operator) beginOblivious() error {
	old, err := o.read("keys/oblivious.pem")
	if err != nil {
		return err
	}
	before, err := keyfile.ParseObliviousKey(old)
	if err != nil {
		return err
	}
	key := before
	for key.ID() == before.ID() {
		if key, err = ohttp.GenerateKey(ohttp.MLKEM768X25519()); err != nil {
			return fmt.Errorf("making the key of Oblivious HTTP: %w", err)
		}
	}
	if err := replace(o.path(oldOblivious), old, 0o600); err != nil {
		return err
	}
	if err := replace(o.path("keys/oblivious.pem"), keyfile.MarshalObliviousKey(key), 0o600); err != nil {
		return err
	}
	if err := replace(o.path("keys/oblivious.pub.pem"), keyfile.MarshalObliviousConfig(key), 0o644); err != nil {
		return err
	}
	return o.raise(nil)
}

func (o Operator) endOblivious() error { return o.destroy(oldOblivious) }

// beginPolicyKey makes the next policy key. The policy is still signed with the old one, and allows
// both to sign the next.
func (o Operator) beginPolicyKey() error {
	if err := o.newSigningKey("keys/policy.next"); err != nil {
		return err
	}
	return o.raise(func(signers []string) []string {
		if slices.Contains(signers, nextSigner) {
			return signers
		}
		return append(signers, nextSigner)
	})
}

// endPolicyKey makes the next key the only one that signs.
func (o Operator) endPolicyKey() error {
	if err := o.move([2]string{nextPolicy, policyKey}, [2]string{nextSigner, signer}); err != nil {
		return err
	}
	return o.raise(func(signers []string) []string {
		return slices.DeleteFunc(signers, func(s string) bool { return s == nextSigner })
	})
}

// RotateReceipt gives a collector a new receipt key at once. Until agents have the new policy, they
// reject this collector's receipts and deliver to the others.
func (o Operator) RotateReceipt(collector string) error {
	p, err := o.policy()
	if err != nil {
		return err
	}
	i := indexOf(p, collector)
	if i < 0 {
		return o.noCollector(p, collector)
	}
	if err := o.newSigningKey("keys/receipt-" + collector); err != nil {
		return err
	}
	text, err := o.read(policySource)
	if err != nil {
		return err
	}
	next, err := edited(string(text), fmt.Sprintf("$.collectors[%d].receipt_key", i), "keys/receipt-"+collector+".pub.pem", false)
	if err != nil {
		return err
	}
	old := p.Collectors[i].ReceiptKey
	if err := o.rewrite(raised(next, p.Version+1), "the receipt key of "+collector, func(p *policy.Policy) bool {
		return !bytes.Equal(p.Collectors[i].ReceiptKey, old)
	}); err != nil {
		return err
	}
	_, err = o.signed()
	return err
}

// newSigningKey writes NAME.pem and NAME.pub.pem.
func (o Operator) newSigningKey(name string) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	if err := replace(o.path(name+".pem"), keyfile.MarshalSigningKey(private), 0o600); err != nil {
		return err
	}
	return replace(o.path(name+".pub.pem"), keyfile.MarshalPublicKey(public), 0o644)
}

// raise raises the policy's version. If change is not nil, it first changes who may sign the next
// policy.
func (o Operator) raise(change func(signers []string) []string) error {
	text, err := o.read(policySource)
	if err != nil {
		return err
	}
	var now struct {
		Version uint64   `yaml:"version"`
		Signers []string `yaml:"signers"`
	}
	if err := yaml.Unmarshal(text, &now); err != nil {
		return fmt.Errorf("%s: %w", o.path(policySource), err)
	}
	next := string(text)
	if change != nil {
		signers := "[" + strings.Join(change(now.Signers), ", ") + "]"
		if next, err = edited(next, "$.signers", signers, false); err != nil {
			return err
		}
	}
	return o.rewrite(raised(next, now.Version+1), "its version and signers", func(p *policy.Policy) bool { return p.Version == now.Version+1 })
}
