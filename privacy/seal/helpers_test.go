package seal

import (
	"bytes"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func openKey(tb testing.TB, n byte) *OpenKey {
	tb.Helper()
	k, err := ParseOpenKey(bytes.Repeat([]byte{n}, OpenKeySize))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func sealed(tb testing.TB, k *Key, records ...[]byte) []byte {
	tb.Helper()
	s, err := NewSealer(k, fixtures.Batch)
	if err != nil {
		tb.Fatal(err)
	}
	b := bytes.Clone(s.Prefix())
	for _, r := range records {
		if b, err = s.Seal(b, r); err != nil {
			tb.Fatal(err)
		}
	}
	if len(b) != s.size {
		tb.Fatalf("Size is %d, the segment has %d", s.size, len(b))
	}
	return b
}
