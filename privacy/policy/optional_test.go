package policy

import (
	"bytes"
	"errors"
	"testing"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// later returns p as a later release may sign it, with a field that this one does not know.
func later(tb testing.TB, p *Policy, key uint64, value []byte) []byte {
	tb.Helper()
	body := appendPolicy(nil, p.withDefaults())
	body[0]++ // the number of fields
	return signedBody(append(cbor.AppendUint(body, key), value...), fixtures.SigningKey(1))
}

// An agent follows a policy that has optional fields. It knows it again, and does not take another
// one with the same version for it.
func TestOptionalFields(t *testing.T) {
	p := testPolicy(t)
	b := later(t, p, cbor.FirstOptional, cbor.AppendText(nil, "new"))
	got, err := Open(b, fixtures.PublicKey(1))
	if err != nil || got.Version != p.Version || len(got.Collectors) != len(p.Collectors) || got.WindowMS != p.WindowMS {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := got.Next(b); err != nil {
		t.Errorf("the same policy again: %v", err)
	}
	for name, other := range map[string][]byte{
		"without the field":  signed(t, p, fixtures.SigningKey(1)),
		"with another value": later(t, p, cbor.FirstOptional, cbor.AppendText(nil, "old")),
	} {
		if _, err := got.Next(other); !errors.Is(err, ErrRollback) {
			t.Errorf("the same version %s: %v", name, err)
		}
	}
	p.Version++
	if next, err := got.Next(signed(t, p, fixtures.SigningKey(1))); err != nil || next.Version != p.Version {
		t.Errorf("the next policy: %v", err)
	}
}

// The fields of a collector have the same rule.
func TestOptionalFieldOfCollector(t *testing.T) {
	p := testPolicy(t)
	p.Collectors = p.Collectors[1:]
	collector := appendCollector(nil, &p.Collectors[0])
	longer := append(cbor.AppendUint(bytes.Clone(collector), 100), cbor.AppendArray(nil, 0)...)
	longer[0]++
	body := bytes.Replace(appendPolicy(nil, p.withDefaults()), collector, longer, 1)
	b := signedBody(body, fixtures.SigningKey(1))
	got, err := Open(b, fixtures.PublicKey(1))
	if err != nil || got.Collectors[0].ID != p.Collectors[0].ID {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := got.Next(b); err != nil {
		t.Errorf("the same policy again: %v", err)
	}
}

// Other unknown fields are refused, and so are values that no release may write.
func TestRefusedFields(t *testing.T) {
	for name, b := range map[string][]byte{
		"key 15":   later(t, testPolicy(t), policyKeys+1, []byte{1}),
		"key 63":   later(t, testPolicy(t), cbor.FirstOptional-1, []byte{1}),
		"null":     later(t, testPolicy(t), cbor.FirstOptional, []byte{0xf6}),
		"no value": later(t, testPolicy(t), cbor.FirstOptional, nil),
	} {
		if _, err := Open(b, fixtures.PublicKey(1)); !errors.Is(err, privacy.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever changes a policy must know all of it, because what it does not know would be lost.
func TestForeignPolicyIsNotSigned(t *testing.T) {
	got, err := Open(later(t, testPolicy(t), cbor.FirstOptional, []byte{1}), fixtures.PublicKey(1))
	if err != nil {
		t.Fatal(err)
	}
	got.Version++
	if _, err := Sign(got, fixtures.SigningKey(1)); !errors.Is(err, ErrForeign) {
		t.Errorf("%v", err)
	}
}
