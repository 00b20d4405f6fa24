package collector

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/internal/daykey"
)

// clientTokens makes the tokens that tell distinct browsers apart for one UTC day, as agents' own
// random tokens do. A token is a keyed hash of the peer's address and the User-Agent string. The
// key is random, is only ever in memory and is replaced every day: then nobody, the collector
// included, can link tokens to addresses or to those of another day. The zero value is ready.
type clientTokens struct{ key daykey.Key }

func (t *clientTokens) token(now time.Time, addr netip.Addr, userAgent string) (token [16]byte) {
	key := t.key.At(now)
	h := hmac.New(sha256.New, key[:])
	h.Write(hostPart(addr))
	h.Write([]byte(userAgent))
	copy(token[:], h.Sum(nil))
	return token
}

// hostPart is 16 bytes of the address: of IPv6 only the first 64 bits, for one host can use all
// addresses of its /64 and would pass for as many clients.
func hostPart(addr netip.Addr) []byte {
	b := addr.As16()
	if addr.Is6() {
		clear(b[8:])
	}
	return b[:]
}
