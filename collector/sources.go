package collector

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// Limits bound what one network may send: a /24 of IPv4 or a /48 of IPv6. Networks are told apart
// by a hash of their prefix, under a random key that is replaced every hour; hash and key are in
// memory only. Addresses of this host (127.0.0.0/8, ::1) have no limits.
type Limits struct {
	Requests float64 // uploads per second; ten times as many at once. 0 means 200
	Bytes    float64 // bytes of bodies per second; ten times as many at once. 0 means 4 MiB
	Uploads  int     // uploads in flight. 0 means a quarter of MaxUploads
	// networks per second that were not seen before; ten times as many at once. 0 means 2000
	NewSources float64
}

const (
	burstSeconds = 10        // what may come at once, in seconds of the rate
	sourceSets   = 16 << 10  // a network has its place in one of them
	sourceWays   = 4         // networks of one set that are remembered
	sourceKeyAge = time.Hour // after which the key is replaced and all networks are forgotten
)

// sources holds networks to their Limits, in a table of fixed size: a network that finds no place
// replaces the one that owes least.
type sources struct {
	limits Limits

	mu    sync.Mutex
	key   [32]byte            // owned by mu
	keyed time.Time           // owned by mu; when key was made
	sets  [][sourceWays]owing // owned by mu
	// owned by mu; networks not seen before, less what NewSources has allowed since
	fresh float64
	since time.Time // owned by mu; of fresh
}

// owing is what a network has sent, less what its limits have allowed since. The zero value is a
// free place.
type owing struct {
	tag      uint64 // part of the hash; 0: free
	at       int64  // Unix ms of what follows
	requests float64
	bytes    float64
	inFlight int
}

// ticket is a network's place in the table. The zero value stands for this host, which has
// no limits.
type ticket struct {
	set int
	tag uint64
}

func newSources(limits Limits) *sources {
	return &sources{limits: limits, sets: make([][sourceWays]owing, sourceSets)}
}

// of finds the place of an address. The zero Addr, which is unknown, counts as one network.
func (s *sources) of(now time.Time, addr netip.Addr) ticket {
	if addr.IsLoopback() {
		return ticket{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rotate(now)
	var b [len(s.key) + 16]byte
	copy(b[:], s.key[:])
	copy(b[len(s.key):], prefixOf(addr))
	sum := sha256.Sum256(b[:])
	return ticket{int(binary.LittleEndian.Uint32(sum[:]) % sourceSets), binary.LittleEndian.Uint64(sum[4:]) | 1}
}

// prefixOf is 16 bytes that all addresses of a network have in common.
func prefixOf(addr netip.Addr) []byte {
	b := addr.As16()
	if addr.Is4() {
		clear(b[15:])
	} else {
		clear(b[6:])
	}
	return b[:]
}

// rotate replaces the key when its time has come. mu is held.
func (s *sources) rotate(now time.Time) {
	if age := now.Sub(s.keyed); age >= 0 && age < sourceKeyAge {
		return
	}
	_, _ = rand.Read(s.key[:]) // never fails
	clear(s.sets)
	s.keyed, s.since, s.fresh = now, now, 0
}

// enter counts an upload of a network, or names the limit that it exceeds.
func (s *sources) enter(now time.Time, t ticket) (cause string) {
	if t == (ticket{}) {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.find(t)
	if o == nil {
		s.fresh = max(0, s.fresh-s.limits.NewSources*max(0, now.Sub(s.since).Seconds()))
		s.since = now
		if s.fresh >= s.limits.NewSources*burstSeconds {
			return shedNewSources
		}
		s.fresh++
		o = s.place(now, t)
	}
	s.settle(now, o)
	if o.requests+1 > s.limits.Requests*burstSeconds || o.bytes >= s.limits.Bytes*burstSeconds || o.inFlight >= s.limits.Uploads {
		return shedSource
	}
	o.requests++
	o.inFlight++
	return ""
}

// charge counts the bytes of an upload's body once they are known.
func (s *sources) charge(t ticket, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.find(t); o != nil {
		o.bytes += float64(bytes)
	}
}

// leave ends an upload that enter has counted.
func (s *sources) leave(t ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.find(t); o != nil {
		o.inFlight = max(0, o.inFlight-1)
	}
}

// find returns nil for a network that is not in the table. mu is held.
func (s *sources) find(t ticket) *owing {
	if t.tag == 0 {
		return nil
	}
	set := &s.sets[t.set]
	for i := range set {
		if set[i].tag == t.tag {
			return &set[i]
		}
	}
	return nil
}

// place makes room for a network. mu is held.
func (s *sources) place(now time.Time, t ticket) *owing {
	set := &s.sets[t.set]
	least := &set[0]
	for i := range set {
		s.settle(now, &set[i])
		if set[i].requests < least.requests {
			least = &set[i]
		}
	}
	*least = owing{tag: t.tag, at: now.UnixMilli()}
	return least
}

// settle takes off what the limits have allowed since the last time.
func (s *sources) settle(now time.Time, o *owing) {
	ms := now.UnixMilli()
	seconds := float64(max(0, ms-o.at)) / 1000
	o.requests = max(0, o.requests-s.limits.Requests*seconds)
	o.bytes = max(0, o.bytes-s.limits.Bytes*seconds)
	o.at = ms
}
