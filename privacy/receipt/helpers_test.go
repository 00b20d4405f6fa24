package receipt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

var testStatements = []Statement{
	{Batch: fixtures.Batch, Body: sha256.Sum256([]byte("body")), Decision: Stored},
	{Batch: fixtures.Batch, Body: sha256.Sum256([]byte("body")), Decision: Stored, Reason: ReasonDuplicate},
	{Batch: fixtures.Batch, Body: sha256.Sum256([]byte("bad")), Decision: Refused, Reason: ReasonMalformed},
	{Batch: fixtures.Batch, Decision: SlowDown, Reason: ReasonOverload, DelayMS: 30_000},
	{Decision: Refused, Reason: ReasonTooLarge},
}

func receipts(tb testing.TB, key ed25519.PrivateKey, st ...Statement) [][]byte {
	tb.Helper()
	r, err := Sign(key, st)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
