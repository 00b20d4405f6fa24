package collector

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	replayWindow = 10 * time.Minute
	maxReplays   = 1 << 17 // requests in one generation: about 4 MiB
)

// replays remembers which encapsulated requests were opened, so that a repeated one is refused
// before any work is done for it (RFC 9458, section 6.5). It has two generations of at most
// maxReplays requests or replayWindow each, so a request is remembered at least until that many
// others, or that much time, have followed it. An older request does no harm: a batch is stored
// only once because of its id, and a replaced key opens nothing. The Date field of requests is not
// used. It would reveal clients' clocks and exclude clients whose clocks are wrong. The zero value
// is ready to use.
type replays struct {
	mu          sync.Mutex
	now, before map[replayID]struct{} // guarded by mu; the two generations
	since       time.Time             // guarded by mu; when now began
}

// replayID is a part of the SHA-256 of an encapsulated request. Each request that can be opened has
// only one encoding.
type replayID [16]byte

// seen reports whether a request is remembered.
func (r *replays) seen(sum [sha256.Size]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has(replayID(sum[:16]))
}

// add remembers an opened request. It returns false if the request is already remembered.
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

// has is like seen, with mu locked.
func (r *replays) has(id replayID) bool {
	if _, ok := r.now[id]; ok {
		return true
	}
	_, ok := r.before[id]
	return ok
}
