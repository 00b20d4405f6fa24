package httpx

import (
	"sync"
	"sync/atomic"
	"time"
)

// Slots bound how many requests do something at one time. Make them with NewSlots. They are safe
// for concurrent use.
type Slots struct {
	most  atomic.Int64
	taken atomic.Int64
}

// NewSlots makes slots, of which none is taken.
func NewSlots(most int) *Slots {
	s := new(Slots)
	s.SetMost(most)
	return s
}

// SetMost changes how many slots there are. Those that are taken stay taken.
func (s *Slots) SetMost(most int) { s.most.Store(int64(most)) }

// Enter takes a slot, or says that none is free.
func (s *Slots) Enter() bool {
	if s.taken.Add(1) > s.most.Load() {
		s.taken.Add(-1)
		return false
	}
	return true
}

// Leave frees a slot that Enter has taken.
func (s *Slots) Leave() { s.taken.Add(-1) }

// Taken is how many slots are taken, or a few more while others are refused.
func (s *Slots) Taken() int64 { return s.taken.Load() }

// Scarce says whether more than half of all slots are taken.
func (s *Slots) Scarce() bool { return s.taken.Load() > s.most.Load()/2 }

// Gate counts who is inside and can be closed. Make one with NewGate. It is safe for
// concurrent use.
type Gate struct {
	closed chan struct{}
	idle   chan struct{}

	mu     sync.Mutex
	inside int  // owned by mu
	shut   bool // owned by mu
}

// NewGate makes an open gate.
func NewGate() *Gate { return &Gate{closed: make(chan struct{}), idle: make(chan struct{})} }

// Enter reports false when the gate is closed. Otherwise Leave follows.
func (g *Gate) Enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside++
	return true
}

// Leave says that one who has entered is gone.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.shut {
		close(g.idle)
	}
}

// Close lets nobody in any more. It does not wait: see Idle. It is idempotent.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return
	}
	g.shut = true
	close(g.closed)
	if g.inside == 0 {
		close(g.idle)
	}
}

// Closed is closed once nobody is let in any more.
func (g *Gate) Closed() <-chan struct{} { return g.closed }

// Idle is closed once, after Close, the last one has left.
func (g *Gate) Idle() <-chan struct{} { return g.idle }

// Within waits for done, and reports false when that takes longer than d.
func Within(d time.Duration, done <-chan struct{}) bool {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	select {
	case <-done:
		return true
	case <-timeout.C:
		return false
	}
}
