package httpx

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// Limits are those of one client network: a /24 of IPv4 or a /48 of IPv6. Each 0 means no limit.
type Limits struct {
	Requests float64 // per second; ten times as many at once
	Bytes    float64 // of bodies per second; ten times as many at once
	InFlight int     // requests at one time
	// networks per second that were not seen before, of all together; ten times as many at once
	NewNetworks float64
}

// Excess says which limit a request exceeds.
type Excess int

const (
	None       Excess = iota // none: the request may go on
	OfNetwork                // its network sends too much
	OfNetworks               // too many networks that were not seen before
)

const (
	burstSeconds = 10        // what may come at once, in seconds of the rate
	limiterSets  = 16 << 10  // a network has its place in one of them
	limiterWays  = 4         // networks of one set that are remembered
	limiterAge   = time.Hour // after which the key is replaced and all networks are forgotten
)

// Limiter holds client networks to their Limits, in a table of fixed size (2.5 MiB): a network that
// finds no place replaces the one that owes least. Networks are told apart by a hash of their
// prefix, under a random key that is replaced every hour; hash and key are in memory only.
// Addresses of this host (127.0.0.0/8, ::1) have no limits. Make one with NewLimiter; it is safe
// for concurrent use.
type Limiter struct {
	limits Limits

	mu    sync.Mutex
	key   [32]byte             // owned by mu
	keyed time.Time            // owned by mu; when key was made
	sets  [][limiterWays]owing // owned by mu
	// owned by mu; networks not seen before, less what NewNetworks has allowed since
	fresh float64
	since time.Time // owned by mu; of fresh
}

// Network is a client network's place in a Limiter. The zero value stands for this host, which has
// no limits.
type Network struct {
	set int
	tag uint64
}

// NewLimiter makes an empty Limiter.
func NewLimiter(limits Limits) *Limiter {
	return &Limiter{limits: limits, sets: make([][limiterWays]owing, limiterSets)}
}

// SetLimits replaces the limits; what networks owe stays.
func (l *Limiter) SetLimits(limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = limits
}

// Network finds the network of an address. The zero Addr, which is unknown, counts as one network.
func (l *Limiter) Network(now time.Time, addr netip.Addr) Network {
	if addr.IsLoopback() {
		return Network{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rotate(now)
	var b [len(l.key) + 16]byte
	copy(b[:], l.key[:])
	prefix := netaddr.Network(addr)
	copy(b[len(l.key):], prefix[:])
	sum := sha256.Sum256(b[:])
	return Network{int(binary.LittleEndian.Uint32(sum[:]) % limiterSets), binary.LittleEndian.Uint64(sum[4:]) | 1}
}

// Enter counts a request of a network, which ends with Leave, or names the limit that it exceeds.
func (l *Limiter) Enter(now time.Time, n Network) Excess {
	if n == (Network{}) {
		return None
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.find(n)
	if o == nil {
		if !l.admitNew(now) {
			return OfNetworks
		}
		o = l.place(now, n)
	}
	l.settle(now, o)
	if l.exceeds(o) {
		return OfNetwork
	}
	o.requests++
	o.inFlight++
	return None
}

// Charge counts the bytes of a request's body once they are known.
func (l *Limiter) Charge(n Network, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.find(n); o != nil {
		o.bytes += float64(bytes)
	}
}

// Leave ends a request that Enter has counted.
func (l *Limiter) Leave(n Network) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.find(n); o != nil {
		o.inFlight = max(0, o.inFlight-1)
	}
}
