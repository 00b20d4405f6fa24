package seal_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// A sealing is that of a cut copy too, and of nothing else that opens.
func TestSealing(t *testing.T) {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	id := report.BatchID{15: 1}
	segment := func() (cut, whole []byte) {
		s, err := seal.NewSealer(key.SealKey(), id)
		if err != nil {
			t.Fatal(err)
		}
		b := s.Prefix()
		for n := range 2 {
			if b, err = s.Seal(b, []byte{byte(n)}); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				cut = seal.AppendEnd(append([]byte(nil), b...))
			}
		}
		return cut, seal.AppendEnd(b)
	}
	cut, whole := segment()
	if seal.Sealing(cut) != seal.Sealing(whole) {
		t.Error("a cut copy is taken for another sealing")
	}
	if _, again := segment(); seal.Sealing(again) == seal.Sealing(whole) {
		t.Error("two sealings of one id are taken for one")
	}
	keys := seal.NewKeyring(key)
	for i := 4; i < 1148; i++ { // whoever alters a bit of it has a segment that does not open
		altered := append([]byte(nil), whole...)
		altered[i] ^= 0x80
		if _, _, err := keys.Open(altered); err == nil {
			t.Fatalf("with byte %d altered it opens", i)
		}
	}
}
