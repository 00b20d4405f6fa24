package receipt

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func FuzzVerifyReceipt(f *testing.F) {
	known := make(map[string]bool)
	for _, r := range append(receipts(f, fixtures.SigningKey(3), testStatements...), receipts(f, fixtures.SigningKey(3), testStatements[0])...) {
		known[string(r)] = true
		f.Add(r)
		f.Add(r[:len(r)-1])
	}
	for i := range testStatements {
		f.Add(appendStatement(nil, &testStatements[i]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Verify(fixtures.PublicKey(3), b); err == nil && !known[string(b)] {
			t.Fatal("a forged receipt is accepted")
		}
		r := append([]byte(receiptMagic), receiptVersion)
		r = append(r, ed25519.Sign(fixtures.SigningKey(3), receiptMessage(1, leafHash(b)))...)
		r = append(append(r, 0, 0, 0, 1, 0, 0, 0, 0), b...)
		s, err := Verify(fixtures.PublicKey(3), r)
		if err != nil {
			return
		}
		if again := receipts(t, fixtures.SigningKey(3), s)[0]; !bytes.Equal(again, r) {
			t.Fatalf("%x came back as %x", r, again)
		}
	})
}
