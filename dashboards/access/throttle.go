package access

import (
	"net/netip"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// A network may fail to log in maxFailures times, and then once each failureEvery. Passwords that
// are tried from many networks wait for each other: hashing one takes a tenth of a second, and
// maxHashing are hashed at a time.
const (
	maxFailures  = 10
	failureEvery = 30 * time.Second
	maxHashing   = 2
	maxThrottled = 10_000 // networks that are remembered
)

// throttle counts failed logins by network. The zero value is empty. It is safe for concurrent use.
type throttle struct {
	mu   sync.Mutex
	owed map[[16]byte]owed // guarded by mu
}

// owed is how many failures count against a network at a time; they are forgiven one by one.
type owed struct {
	failures float64
	at       time.Time
}

func (o owed) left(now time.Time) float64 {
	return max(0, o.failures-float64(now.Sub(o.at))/float64(failureEvery))
}

// refuses reports whether a network must wait.
func (t *throttle) refuses(addr netip.Addr, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.owed[netaddr.Network(addr)].left(now) > maxFailures-1
}

// failed counts a failure. If too many networks are remembered, those that owe nothing are
// forgotten, or else all.
func (t *throttle) failed(addr netip.Addr, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.owed) >= maxThrottled {
		for n, o := range t.owed {
			if o.left(now) == 0 {
				delete(t.owed, n)
			}
		}
	}
	if t.owed == nil || len(t.owed) >= maxThrottled {
		t.owed = map[[16]byte]owed{}
	}
	n := netaddr.Network(addr)
	t.owed[n] = owed{t.owed[n].left(now) + 1, now}
}
