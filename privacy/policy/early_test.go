package policy

import (
	"bytes"
	"errors"
	"testing"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// TestEarly: every value comes back, and the default costs no byte, because agents of release 0.1.0
// know no key 14.
func TestEarly(t *testing.T) {
	for ms, encoded := range map[uint64][]byte{
		0:              nil,
		DefaultEarlyMS: nil,
		NeverEarly:     {14, 0},
		100:            {14, 0x18, 100},
		maxWindowMS:    cbor.AppendUint([]byte{14}, maxWindowMS),
	} {
		p := testPolicy(t)
		p.EarlyMS = ms
		b := signed(t, p, fixtures.SigningKey(1))
		got, err := Open(b, fixtures.PublicKey(1))
		if err != nil {
			t.Fatal(err)
		}
		if want := p.withDefaults().EarlyMS; got.EarlyMS != want {
			t.Errorf("%d comes back as %d, want %d", ms, got.EarlyMS, want)
		}
		p.EarlyMS = 0
		if plain := appendPolicy(nil, p.withDefaults()); len(b)-bodyAt != len(plain)+len(encoded) || !bytes.HasSuffix(b, encoded) {
			t.Errorf("%d is encoded as % x, want % x behind the rest", ms, b[len(b)-6:], encoded)
		}
		if next, err := got.Next(b); err != nil || next.EarlyMS != got.EarlyMS {
			t.Errorf("%d: the same policy again: %v", ms, err)
		}
	}
	for _, v := range []uint64{DefaultEarlyMS, 99, maxWindowMS + 1, NeverEarly} {
		p := testPolicy(t)
		p.EarlyMS = 100
		body := appendPolicy(nil, p)
		body = cbor.AppendUint(bytes.TrimSuffix(body, []byte{0x18, 100}), v)
		if _, err := decodePolicy(body); err == nil {
			t.Errorf("%d was taken", v)
		}
		if _, err := Open(signedBody(body, fixtures.SigningKey(1)), fixtures.PublicKey(1)); !errors.Is(err, privacy.ErrMalformed) {
			t.Errorf("%d: %v", v, err)
		}
	}
}
