package relay

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

const (
	burstSeconds = 10        // what may come at once, in seconds of the rate
	sourcePlaces = 1 << 16   // client networks share them by a hash
	sourceKeyAge = time.Hour // after which the hash's key is replaced and all is forgotten
)

// sources hold client networks, a /24 of IPv4 or a /48 of IPv6, to a rate and a number of requests
// in flight. Which networks there are is not remembered: each has its place among sourcePlaces by a
// hash under a random key, and shares it with others that have the same. Addresses of this host
// have no limits.
type sources struct {
	rate     float64 // requests per second
	inFlight int     // at one time

	mu     sync.Mutex
	key    [32]byte // owned by mu
	keyed  time.Time
	places []place // owned by mu
}

// place is what came from a place's networks, less what the rate has allowed since.
type place struct {
	at       int64 // Unix ms of requests
	requests float64
	inFlight int
}

func newSources(rate float64, inFlight int) *sources {
	return &sources{rate: rate, inFlight: inFlight, places: make([]place, sourcePlaces)}
}

// noPlace is that of this host.
const noPlace = -1

// enter counts a request and returns its place, for leave; ok is false when its network
// sends too much.
func (s *sources) enter(now time.Time, addr netip.Addr) (at int, ok bool) {
	if addr.IsLoopback() {
		return noPlace, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.keyed); age < 0 || age >= sourceKeyAge {
		_, _ = rand.Read(s.key[:]) // never fails
		clear(s.places)
		s.keyed = now
	}
	at = s.placeOf(addr)
	p := &s.places[at]
	p.requests = max(0, p.requests-s.rate*float64(max(0, now.UnixMilli()-p.at))/1000)
	p.at = now.UnixMilli()
	if p.requests+1 > s.rate*burstSeconds || p.inFlight >= s.inFlight {
		return noPlace, false
	}
	p.requests++
	p.inFlight++
	return at, true
}

// leave ends a request that enter has counted.
func (s *sources) leave(at int) {
	if at == noPlace {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places[at].inFlight = max(0, s.places[at].inFlight-1)
}

// placeOf hashes a network. mu is held.
func (s *sources) placeOf(addr netip.Addr) int {
	prefix := addr.As16()
	if addr.Is4() {
		clear(prefix[15:])
	} else {
		clear(prefix[6:])
	}
	sum := sha256.Sum256(append(s.key[:len(s.key):len(s.key)], prefix[:]...))
	return int(binary.LittleEndian.Uint32(sum[:]) % sourcePlaces)
}
