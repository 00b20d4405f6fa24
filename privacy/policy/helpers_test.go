package policy

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// sealKey returns a fixed key's bytes.
func sealKey(tb testing.TB) []byte {
	tb.Helper()
	k, err := seal.ParseOpenKey(bytes.Repeat([]byte{1}, seal.OpenKeySize))
	if err != nil {
		tb.Fatal(err)
	}
	return k.SealKey().Bytes()
}

func testPolicy(tb testing.TB) *Policy {
	return &Policy{
		Version: 7, Issued: 1_800_000_000, Expires: 1_802_592_000, MaxConsent: report.Diagnostics,
		SuccessPPM: 100_000, WindowMS: 30_000, SamplesPerWindow: 3, RefreshSeconds: 600, BytesPerDay: 1 << 20, EarlyMS: DefaultEarlyMS,
		SealKey: sealKey(tb),
		Collectors: []Collector{{
			ID: "c1", URL: "https://c1.example-a.net", Priority: 1, Weight: 2, Addresses: []string{"192.0.2.1:443", "[2001:db8::1]:443"},
			Pins: [][]byte{bytes.Repeat([]byte{9}, sha256.Size)}, ReceiptKey: fixtures.PublicKey(3),
		}, {
			ID: "c2", URL: "http://127.0.0.1:8417", ReceiptKey: fixtures.PublicKey(4),
		}},
		Signers: [][]byte{fixtures.PublicKey(1), fixtures.PublicKey(2)},
	}
}

func signed(tb testing.TB, p *Policy, key ed25519.PrivateKey) []byte {
	tb.Helper()
	b, err := Sign(p, key)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func obliviousPolicy(tb testing.TB) *Policy {
	p := testPolicy(tb)
	p.Collectors[0].Relay = "https://relay.example-b.net/v1/oblivious"
	p.Collectors[0].ObliviousKeys = append([]byte{0, 3}, "key"...)
	return p
}

// signedBody is a signed policy whose body may be anything.
func signedBody(body []byte, key ed25519.PrivateKey) []byte {
	file := append(append([]byte(magic), version), key.Public().(ed25519.PublicKey)...)
	return append(append(file, ed25519.Sign(key, message(body))...), body...)
}
