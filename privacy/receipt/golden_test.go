package receipt

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func TestGoldenReceipts(t *testing.T) {
	made := append(receipts(t, fixtures.SigningKey(3), testStatements[0]), receipts(t, fixtures.SigningKey(3), testStatements...)...)
	want := append(testStatements[:1:1], testStatements...)
	for i, r := range made {
		file := fixtures.Golden(t, "receipt-"+strconv.Itoa(i)+".bin", func() []byte { return r })
		if !bytes.Equal(file, r) {
			t.Errorf("receipt %d: the same statement makes another receipt", i)
		}
		if got, err := Verify(fixtures.PublicKey(3), file); err != nil || got != want[i] {
			t.Errorf("receipt %d: %+v, %v", i, got, err)
		}
	}
}

// The layout that documents and other languages' implementations rely on.
func TestGoldenSize(t *testing.T) {
	want := 3 + 1 + 64 + 4 + 4 + 1 + 1 + 17 + 1 + 2 + 32 + 1 + 1
	if b := fixtures.Golden(t, "receipt-0.bin", nil); len(b) != want {
		t.Errorf("%d bytes, want %d", len(b), want)
	}
}
