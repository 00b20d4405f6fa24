package collector

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	replayWindow = 10 * time.Minute
	maxReplays   = 1 << 17 // requests of one generation: about 4 MiB
)

// replays remembers encapsulated requests that were opened, so that one which is sent again is
// refused before anything is done for it (RFC 9458, section 6.5). It has two generations of at most
// maxReplays requests or replayWindow each: a request is known until that many others, or that much
// time, have come after it. What is older is refused, or changes nothing, by other means: a batch
// is stored once by its id, and a key that was replaced opens nothing. The Date of requests plays
// no part: it would tell clients' clocks, and shut out those whose clocks are wrong. The zero
// value is ready.
type replays struct {
	mu          sync.Mutex
	now, before map[replayID]struct{} // owned by mu; generations
	since       time.Time             // owned by mu; when now began
}

// replayID is part of the SHA-256 of an encapsulated request: of each that opens there is
// one encoding.
type replayID [16]byte

// seen reports whether a request is remembered.
func (r *replays) seen(sum [sha256.Size]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has(replayID(sum[:16]))
}

// add remembers a request that was opened, and reports false if it was already.
func (r *replays) add(now time.Time, sum [sha256.Size]byte) bool {
	id := replayID(sum[:16])
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.has(id) {
		return false
	}
	if age := now.Sub(r.since); r.now == nil || len(r.now) >= maxReplays || age < 0 || age >= replayWindow {
		r.before, r.now, r.since = r.now, make(map[replayID]struct{}), now
	}
	r.now[id] = struct{}{}
	return true
}

// has is seen. mu is held.
func (r *replays) has(id replayID) bool {
	if _, ok := r.now[id]; ok {
		return true
	}
	_, ok := r.before[id]
	return ok
}
