package policy

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report"
)

func FuzzOpenPolicy(f *testing.F) {
	minimal := testPolicy(f)
	minimal.Disabled, minimal.MaxConsent = true, report.Off
	minimal.Collectors = minimal.Collectors[1:]
	minimal.Signers = minimal.Signers[:1]
	known := make(map[string]bool)
	for _, p := range []*Policy{testPolicy(f), obliviousPolicy(f), minimal} {
		b := signed(f, p, fixtures.SigningKey(1))
		known[string(b)] = true
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(b[bodyAt:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Open(b, fixtures.PublicKey(1)); err == nil && !known[string(b)] {
			t.Fatal("a forged policy is accepted")
		}
		file := append([]byte(magic), version)
		file = append(append(file, fixtures.PublicKey(1)...), ed25519.Sign(fixtures.SigningKey(1), message(b))...)
		file = append(file, b...)
		p, err := Open(file, fixtures.PublicKey(1))
		if err != nil || p.foreign != nil {
			return
		}
		if again := signed(t, p, fixtures.SigningKey(1)); !bytes.Equal(again, file) {
			t.Fatalf("%x came back as %x", file, again)
		}
	})
}
