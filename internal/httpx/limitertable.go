package httpx

import (
	"crypto/rand"
	"time"
)

// owing is what a network has sent, minus what its limits have allowed since. The zero value is a
// free entry.
type owing struct {
	tag      uint64 // part of the hash; 0 if free
	at       int64  // Unix ms of what follows
	requests float64
	bytes    float64
	inFlight int
}

// rotate replaces the key if it is older than limiterAge. The caller must hold mu.
func (l *Limiter) rotate(now time.Time) {
	if age := now.Sub(l.keyed); age >= 0 && age < limiterAge {
		return
	}
	_, _ = rand.Read(l.key[:]) // never fails
	clear(l.sets)
	l.keyed, l.since, l.fresh = now, now, 0
}

// find returns the entry of a network, or nil. The caller must hold mu.
func (l *Limiter) find(n Network) *owing {
	if n.tag == 0 {
		return nil
	}
	set := &l.sets[n.set]
	for i := range set {
		if set[i].tag == n.tag {
			return &set[i]
		}
	}
	return nil
}

// place makes an entry for a network. The caller must hold mu.
func (l *Limiter) place(now time.Time, n Network) *owing {
	set := &l.sets[n.set]
	least := &set[0]
	for i := range set {
		l.settle(now, &set[i])
		if set[i].requests < least.requests {
			least = &set[i]
		}
	}
	*least = owing{tag: n.tag, at: now.UnixMilli()}
	return least
}

// settle subtracts what the limits have allowed since the last time. The caller must hold mu.
func (l *Limiter) settle(now time.Time, o *owing) {
	ms := now.UnixMilli()
	seconds := float64(max(0, ms-o.at)) / 1000
	o.requests = max(0, o.requests-l.limits.Requests*seconds)
	o.bytes = max(0, o.bytes-l.limits.Bytes*seconds)
	o.at = ms
}

// admitNew counts a new network and reports whether the limit allows it. The caller must hold mu.
func (l *Limiter) admitNew(now time.Time) bool {
	rate := l.limits.NewNetworks
	l.fresh = max(0, l.fresh-rate*max(0, now.Sub(l.since).Seconds()))
	l.since = now
	if rate > 0 && l.fresh >= rate*burstSeconds {
		return false
	}
	l.fresh++
	return true
}

// exceeds reports whether a network has reached a limit. The caller must hold mu.
func (l *Limiter) exceeds(o *owing) bool {
	return l.limits.Requests > 0 && o.requests+1 > l.limits.Requests*burstSeconds ||
		l.limits.Bytes > 0 && o.bytes >= l.limits.Bytes*burstSeconds ||
		l.limits.InFlight > 0 && o.inFlight >= l.limits.InFlight
}
