package privacy

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// What a decoder allocates is bounded by what it was given, whatever that claims to hold.
func TestDecodersAllocateByInputNotByClaim(t *testing.T) {
	segment := sealed(t, openKey(t, 1).SealKey(), []byte("a"))
	receipt := receipts(t, signingKey(3), testStatements...)[0]
	binary.BigEndian.PutUint32(receipt[receiptHead-8:], maxLeaves)
	policy := func(body []byte) []byte {
		file := append(append([]byte(policyMagic), policyVersion), publicKey(1)...)
		return append(append(file, ed25519.Sign(signingKey(1), policyMessage(body))...), body...)
	}
	claim := func(key uint64, head []byte) []byte {
		return append(cbor.AppendUint(cbor.AppendMap(nil, 13), key), head...)
	}
	ring := NewKeyring(openKey(t, 1))
	for name, decode := range map[string]func() (int, error){
		"segment of one huge frame": func() (int, error) {
			b := binary.BigEndian.AppendUint32(segment[:prefixSize:prefixSize], 1<<31)
			_, _, err := ring.Open(b)
			return len(b), err
		},
		"segment of many tiny frames": func() (int, error) {
			frame := append([]byte{0, 0, 0, minFrame}, make([]byte, minFrame)...)
			b := AppendEnd(append(segment[:prefixSize:prefixSize], bytes.Repeat(frame, 5000)...))
			_, _, err := ring.Open(b)
			return 2 * len(b), err
		},
		"receipt of a huge tree": func() (int, error) {
			_, err := VerifyReceipt(publicKey(3), receipt)
			return len(receipt), err
		},
		"policy with a huge array": func() (int, error) {
			b := policy(claim(policyKeyCollectors, cbor.AppendArray(nil, 1<<40)))
			_, err := OpenPolicy(b, publicKey(1))
			return len(b), err
		},
		"policy with a huge byte string": func() (int, error) {
			b := policy(claim(policyKeySealKey, []byte{0x5b, 0, 0, 1, 0, 0, 0, 0, 0}))
			_, err := OpenPolicy(b, publicKey(1))
			return len(b), err
		},
		"endless authorization": func() (int, error) {
			_, err := VerifyFeed("Heliograph-Feed ts=1,key="+string(bytes.Repeat([]byte("A"), 1<<16)), "c", "GET", "/", time.Now(), 0, publicKey(1))
			return 3 << 16, err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		input, err := decode()
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(8*input+64<<10); got > limit {
			t.Errorf("%s: %d bytes allocated for %d", name, got, input)
		}
	}
}
