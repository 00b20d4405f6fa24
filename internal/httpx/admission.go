package httpx

import (
	"sync"
	"sync/atomic"
	"time"
)

// Slots limits how many requests are in some state at a time. Make one with [NewSlots]. It is safe
// for concurrent use.
type Slots struct {
	most  atomic.Int64
	taken atomic.Int64
}

// NewSlots returns Slots with the given number of slots, all free.
func NewSlots(most int) *Slots {
	s := new(Slots)
	s.SetMost(most)
	return s
}

// SetMost changes the number of slots. Slots that are taken stay taken.
func (s *Slots) SetMost(most int) { s.most.Store(int64(most)) }

// Enter takes a slot. It returns false if none is free.
func (s *Slots) Enter() bool {
	if s.taken.Add(1) > s.most.Load() {
		s.taken.Add(-1)
		return false
	}
	return true
}

// Leave frees a slot that Enter has taken.
func (s *Slots) Leave() { s.taken.Add(-1) }

// Taken returns the number of slots that are taken. It may return a few more while others
// are refused.
func (s *Slots) Taken() int64 { return s.taken.Load() }

// Scarce reports whether more than half of the slots are taken.
func (s *Slots) Scarce() bool { return s.taken.Load() > s.most.Load()/2 }

// Gate counts requests in flight and can be closed to new ones. Make one with [NewGate]. It is safe
// for concurrent use.
type Gate struct {
	closed chan struct{}
	idle   chan struct{}

	mu     sync.Mutex
	inside int  // guarded by mu
	shut   bool // guarded by mu
}

// NewGate returns an open gate.
func NewGate() *Gate { return &Gate{closed: make(chan struct{}), idle: make(chan struct{})} }

// Enter counts a request. It returns false if the gate is closed. Otherwise the caller must call
// [Gate.Leave].
func (g *Gate) Enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside++
	return true
}

// Leave ends a request that [Gate.Enter] has counted.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.shut {
		close(g.idle)
	}
}

// Close closes the gate to new requests. It does not wait; see [Gate.Idle]. It is idempotent.
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

// Closed returns a channel that is closed when the gate is.
func (g *Gate) Closed() <-chan struct{} { return g.closed }

// Idle returns a channel that is closed when the gate is closed and no requests are in flight.
func (g *Gate) Idle() <-chan struct{} { return g.idle }

// Within waits until done is closed. It returns false if that takes longer than d.
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
