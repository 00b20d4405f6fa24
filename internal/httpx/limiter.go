package httpx

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// Limits are the limits of one client network, a /24 of IPv4 or a /48 of IPv6. 0 means no limit.
type Limits struct {
	Requests float64 // per second; bursts may be ten times as large
	Bytes    float64 // bytes of bodies per second; bursts may be ten times as large
	InFlight int     // requests at a time
	// new client networks per second, all together; bursts may be ten times as large
	NewNetworks float64
}

// Excess is the limit that a request exceeds.
type Excess int

const (
	None       Excess = iota // no limit; the request may go on
	OfNetwork                // a limit of the client's network
	OfNetworks               // the limit of new networks
)

const (
	burstSeconds = 10        // size of a burst, in seconds of the rate
	limiterSets  = 16 << 10  // sets of the table; the hash of a network selects one
	limiterWays  = 4         // networks per set
	limiterAge   = time.Hour // after this the key is replaced and all networks are forgotten
)

// Limiter applies [Limits] to client networks. Its table has a fixed size (2.5 MiB); if a set is
// full, a new network replaces the one that has sent least. A network is identified by a hash of
// its prefix under a random key that is replaced every hour. Hashes and key are only in memory.
// Addresses of this host (127.0.0.0/8 and ::1) have no limits. Make one with [NewLimiter]. It is
// safe for concurrent use.
type Limiter struct {
	limits Limits

	mu    sync.Mutex
	key   [32]byte             // guarded by mu
	keyed time.Time            // guarded by mu; when key was made
	sets  [][limiterWays]owing // guarded by mu
	// guarded by mu; new networks, minus what NewNetworks has allowed since
	fresh float64
	since time.Time // guarded by mu; the time that fresh is for
}

// Network identifies a client network in a [Limiter]. The zero value is this host, which has
// no limits.
type Network struct {
	set int
	tag uint64
}

// NewLimiter returns an empty Limiter with the given limits.
func NewLimiter(limits Limits) *Limiter {
	return &Limiter{limits: limits, sets: make([][limiterWays]owing, limiterSets)}
}

// SetLimits replaces the limits. What networks have sent so far still counts.
func (l *Limiter) SetLimits(limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = limits
}

// Network returns the network of an address. All requests with the zero Addr, which means unknown,
// count as one network.
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

// Enter counts a request of a network, which must end with [Limiter.Leave], or returns the limit
// that it exceeds.
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

// Leave ends a request that [Limiter.Enter] has counted.
func (l *Limiter) Leave(n Network) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.find(n); o != nil {
		o.inFlight = max(0, o.inFlight-1)
	}
}
