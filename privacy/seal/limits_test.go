package seal

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

// What a decoder allocates is bounded by what it was given, whatever that claims to hold.
func TestDecodersAllocateByInputNotByClaim(t *testing.T) {
	segment := sealed(t, openKey(t, 1).SealKey(), []byte("a"))
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
	} {
		fixtures.AllocatesByInput(t, name, decode)
	}
}
