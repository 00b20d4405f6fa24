// Package daykey makes values under secret keys that last for one UTC day and are only ever in
// memory. Start with [Key].
package daykey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/report"
)

// Key is a random key that is replaced every UTC day. Values made under the key of one day cannot
// be linked to those of another day, not even by their maker. The zero value is ready to use. It is
// safe for concurrent use.
type Key struct {
	mu  sync.Mutex
	day int64    // guarded by mu; days since 1970 that key is for
	key [32]byte // guarded by mu; not set while day is 0
}

// At returns the key of the day of now. If the clock goes back to an earlier day, the key of that
// day is lost, and At makes a new one.
func (k *Key) At(now time.Time) [32]byte {
	day := now.Unix() / (24 * 60 * 60)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.day != day {
		_, _ = rand.Read(k.key[:]) // never fails
		k.day = day
	}
	return k.key
}

// Bucket returns the bucket of an address, see [report.Bucket]. It is 0, which means unknown, for
// the zero Addr and for addresses of this host.
func (k *Key) Bucket(now time.Time, addr netip.Addr) report.Bucket {
	if !addr.IsValid() || addr.IsLoopback() {
		return 0
	}
	key, network := k.At(now), netaddr.Network(addr.Unmap())
	// Key and prefix always have the same length and fill one block of SHA-256, and all but 12 bits
	// of the hash are discarded. HMAC would cost four blocks and add nothing.
	var block [len(key) + len(network)]byte
	copy(block[copy(block[:], key[:]):], network[:])
	sum := sha256.Sum256(block[:])
	return 1 + report.Bucket(binary.BigEndian.Uint16(sum[:])%report.MaxBucket)
}
