package httpx

import (
	"crypto/rand"
	"time"
)

// owing is what a network has sent, less what its limits have allowed since. The zero value is a
// free place.
type owing struct {
	tag      uint64 // part of the hash; 0: free
	at       int64  // Unix ms of what follows
	requests float64
	bytes    float64
	inFlight int
}

// rotate replaces the key when its time has come. mu is held.
func (l *Limiter) rotate(now time.Time) {
	if age := now.Sub(l.keyed); age >= 0 && age < limiterAge {
		return
	}
	_, _ = rand.Read(l.key[:]) // never fails
	clear(l.sets)
	l.keyed, l.since, l.fresh = now, now, 0
}

// find returns nil for a network that is not in the table. mu is held.
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

// place makes room for a network. mu is held.
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

// settle takes off what the limits have allowed since the last time. mu is held.
func (l *Limiter) settle(now time.Time, o *owing) {
	ms := now.UnixMilli()
	seconds := float64(max(0, ms-o.at)) / 1000
	o.requests = max(0, o.requests-l.limits.Requests*seconds)
	o.bytes = max(0, o.bytes-l.limits.Bytes*seconds)
	o.at = ms
}

// admitNew counts a network that was not seen before. mu is held.
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

// exceeds says whether a network may send nothing more now. mu is held.
func (l *Limiter) exceeds(o *owing) bool {
	return l.limits.Requests > 0 && o.requests+1 > l.limits.Requests*burstSeconds ||
		l.limits.Bytes > 0 && o.bytes >= l.limits.Bytes*burstSeconds ||
		l.limits.InFlight > 0 && o.inFlight >= l.limits.InFlight
}
