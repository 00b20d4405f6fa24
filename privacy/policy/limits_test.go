package policy

import (
	"crypto/ed25519"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// What a decoder allocates is bounded by what it was given, whatever that claims to hold.
func TestDecodersAllocateByInputNotByClaim(t *testing.T) {
	policy := func(body []byte) []byte {
		file := append(append([]byte(magic), version), fixtures.PublicKey(1)...)
		return append(append(file, ed25519.Sign(fixtures.SigningKey(1), message(body))...), body...)
	}
	claim := func(key uint64, head []byte) []byte {
		return append(cbor.AppendUint(cbor.AppendMap(nil, 13), key), head...)
	}
	for name, decode := range map[string]func() (int, error){
		"policy with a huge array": func() (int, error) {
			b := policy(claim(policyKeyCollectors, cbor.AppendArray(nil, 1<<40)))
			_, err := Open(b, fixtures.PublicKey(1))
			return len(b), err
		},
		"policy with a huge byte string": func() (int, error) {
			b := policy(claim(policyKeySealKey, []byte{0x5b, 0, 0, 1, 0, 0, 0, 0, 0}))
			_, err := Open(b, fixtures.PublicKey(1))
			return len(b), err
		},
	} {
		fixtures.AllocatesByInput(t, name, decode)
	}
}
