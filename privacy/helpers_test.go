package privacy

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// signingKey returns one of several fixed keys.
func signingKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func publicKey(n byte) ed25519.PublicKey { return signingKey(n).Public().(ed25519.PublicKey) }

// openKey returns one of several fixed keys.
func openKey(tb testing.TB, n byte) *OpenKey {
	tb.Helper()
	k, err := ParseOpenKey(bytes.Repeat([]byte{n}, OpenKeySize))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

var testBatch = report.BatchID{0x01, 0xc9, 0xc3, 0x80, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// sealed returns a segment of records, without its end mark.
func sealed(tb testing.TB, k *SealKey, records ...[]byte) []byte {
	tb.Helper()
	s, err := NewSealer(k, testBatch)
	if err != nil {
		tb.Fatal(err)
	}
	b := bytes.Clone(s.Prefix())
	for _, r := range records {
		if b, err = s.Seal(b, r); err != nil {
			tb.Fatal(err)
		}
	}
	if len(b) != s.Size() {
		tb.Fatalf("Size is %d, the segment has %d", s.Size(), len(b))
	}
	return b
}

func testPolicy(tb testing.TB) *Policy {
	return &Policy{
		Version: 7, Issued: 1_800_000_000, Expires: 1_802_592_000, MaxConsent: report.Diagnostics,
		SuccessPPM: 100_000, WindowMS: 30_000, SamplesPerWindow: 3, RefreshSeconds: 600, BytesPerDay: 1 << 20,
		SealKey: openKey(tb, 1).SealKey().Bytes(),
		Collectors: []Collector{{
			ID: "c1", URL: "https://c1.example-a.net", Priority: 1, Weight: 2, Addresses: []string{"192.0.2.1:443", "[2001:db8::1]:443"},
			Pins: [][]byte{bytes.Repeat([]byte{9}, sha256.Size)}, ReceiptKey: publicKey(3),
		}, {
			ID: "c2", URL: "http://127.0.0.1:8417", ReceiptKey: publicKey(4),
		}},
		Signers: [][]byte{publicKey(1), publicKey(2)},
	}
}

func signed(tb testing.TB, p *Policy, key ed25519.PrivateKey) []byte {
	tb.Helper()
	b, err := SignPolicy(p, key)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

var testStatements = []Statement{
	{Batch: testBatch, Body: sha256.Sum256([]byte("body")), Verdict: Stored},
	{Batch: testBatch, Body: sha256.Sum256([]byte("body")), Verdict: Stored, Reason: ReasonDuplicate},
	{Batch: testBatch, Body: sha256.Sum256([]byte("bad")), Verdict: Refused, Reason: ReasonMalformed},
	{Batch: testBatch, Verdict: SlowDown, Reason: ReasonOverload, DelayMS: 30_000},
	{Verdict: Refused, Reason: ReasonTooLarge},
}

func receipts(tb testing.TB, key ed25519.PrivateKey, st ...Statement) [][]byte {
	tb.Helper()
	r, err := SignReceipts(key, st)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// flipEach calls f with every variant of b that differs in one bit; under the race detector, which makes cryptography tens of times
// slower, with one variant per byte. f must not keep it.
func flipEach(b []byte, f func(bit int, flipped []byte)) {
	flipped := bytes.Clone(b)
	for bit := range 8 * len(b) {
		if raceDetector && bit%8 != bit/8%8 {
			continue
		}
		flipped[bit/8] ^= 1 << (bit % 8)
		f(bit, flipped)
		flipped[bit/8] ^= 1 << (bit % 8)
	}
}
