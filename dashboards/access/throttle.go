package access

import (
	"net/netip"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// A network may fail to log in maxFailures times, and then once each failureEvery; a password that
// is being hashed counts as a failure. Passwords that are tried from many networks wait for each
// other: hashing one takes a tenth of a second, and maxHashing are hashed at a time.
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

// try counts a login as a failure, or reports false if the network must wait. If too many networks
// are remembered, those that owe nothing are forgotten, or else all.
func (t *throttle) try(addr netip.Addr, now time.Time) bool {
	n := netaddr.Network(addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.owed[n].left(now)
	if left > maxFailures-1 {
		return false
	}
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
	t.owed[n] = owed{left + 1, now}
	return true
}

// succeeded takes back what try counted.
func (t *throttle) succeeded(addr netip.Addr) {
	n := netaddr.Network(addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := t.owed[n]; ok {
		t.owed[n] = owed{o.failures - 1, o.at}
	}
}
