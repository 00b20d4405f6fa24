package collector

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/internal/daykey"
)

// clientTokens makes the tokens that distinguish browsers for one UTC day, like the random tokens
// of agents. A token is a keyed hash of the peer's address and the User-Agent string. The key is
// random, is never written anywhere, and is replaced every day. After that, not even the collector
// can link tokens to addresses or to the tokens of another day. The zero value is ready to use.
type clientTokens struct{ key daykey.Key }

func (t *clientTokens) token(now time.Time, addr netip.Addr, userAgent string) (token [16]byte) {
	key := t.key.At(now)
	h := hmac.New(sha256.New, key[:])
	h.Write(hostPart(addr))
	h.Write([]byte(userAgent))
	copy(token[:], h.Sum(nil))
	return token
}

// hostPart returns the address in 16 bytes. Of an IPv6 address it keeps only the first 64 bits,
// because one host can use all addresses of its /64 and would look like many clients.
func hostPart(addr netip.Addr) []byte {
	b := addr.As16()
	if addr.Is6() {
		clear(b[8:])
	}
	return b[:]
}
