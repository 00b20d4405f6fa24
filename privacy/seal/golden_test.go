package seal

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"
	"testing/cryptotest"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

var goldenRecords = [][]byte{[]byte("first record"), bytes.Repeat([]byte{0xa5}, 300), {0}}

func TestGoldenSegment(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	segment := fixtures.Golden(t, "segment.bin", func() []byte { return AppendEnd(sealed(t, openKey(t, 1).SealKey(), goldenRecords...)) })
	info, records, err := NewKeyring(openKey(t, 1)).Open(segment)
	if err != nil || !slices.EqualFunc(records, goldenRecords, bytes.Equal) {
		t.Fatalf("%d records, %v", len(records), err)
	}
	want := SegmentInfo{ID: fixtures.Batch, Key: KeyID{0xf3, 0x7b, 0x99, 0xb2, 0xdb, 0x73, 0x2a, 0x7d}, Frames: 3}
	if info != want {
		t.Errorf("info is %+v", info)
	}
}

// The layout that documents and other languages' implementations rely on.
func TestGoldenSize(t *testing.T) {
	want := 3 + 1 + 16 + 8 + 1120 + 3*(4+16) + 12 + 300 + 1 + 4
	if b := fixtures.Golden(t, "segment.bin", nil); len(b) != want {
		t.Errorf("%d bytes, want %d", len(b), want)
	}
	if sum := sha256.Sum256(openKey(t, 1).SealKey().Bytes()); KeyID(sum[:8]) != openKey(t, 1).SealKey().ID() {
		t.Error("the key's id is not the start of its SHA-256")
	}
}
