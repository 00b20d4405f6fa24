package policy

import (
	"bytes"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// TestShortLived: it comes back, in a key that agents pass over which do not know it, and costs
// nothing where it is not set.
func TestShortLived(t *testing.T) {
	p := testPolicy(t)
	plain := appendPolicy(nil, p.withDefaults())
	p.ShortLived = true
	b := signed(t, p, fixtures.SigningKey(1))
	got, err := Open(b, fixtures.PublicKey(1))
	if err != nil || !got.ShortLived {
		t.Fatalf("ShortLived is lost: %v", err)
	}
	field := []byte{0x18, cbor.FirstOptional + 1, 0xf5}
	if len(b)-bodyAt != len(plain)+len(field) || !bytes.HasSuffix(b, field) {
		t.Errorf("encoded as % x, want % x behind the rest", b[len(b)-4:], field)
	}
	if next, err := got.Next(b); err != nil || !next.ShortLived {
		t.Errorf("the same policy again: %v", err)
	}
	body := appendPolicy(nil, p.withDefaults())
	body[len(body)-1] = 0xf4 // false
	if _, err := decodePolicy(body); err == nil {
		t.Error("a false was taken")
	}
}
