package receipt

import (
	"encoding/binary"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

// What a decoder allocates is bounded by what it was given, whatever that claims to hold.
func TestDecodersAllocateByInputNotByClaim(t *testing.T) {
	receipt := receipts(t, fixtures.SigningKey(3), testStatements...)[0]
	binary.BigEndian.PutUint32(receipt[receiptHead-8:], maxLeaves)
	for name, decode := range map[string]func() (int, error){
		"receipt of a huge tree": func() (int, error) {
			_, err := Verify(fixtures.PublicKey(3), receipt)
			return len(receipt), err
		},
	} {
		fixtures.AllocatesByInput(t, name, decode)
	}
}
