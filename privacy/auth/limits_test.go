package auth

import (
	"bytes"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

// What a decoder allocates is bounded by what it was given, whatever that claims to hold.
func TestDecodersAllocateByInputNotByClaim(t *testing.T) {

	for name, decode := range map[string]func() (int, error){
		"endless authorization": func() (int, error) {
			_, err := VerifyFeed("Heliograph-Feed ts=1,key="+string(bytes.Repeat([]byte("A"), 1<<16)), "c", "GET", "/", time.Now(), 0, fixtures.PublicKey(1))
			return 3 << 16, err
		},
	} {
		fixtures.AllocatesByInput(t, name, decode)
	}
}
