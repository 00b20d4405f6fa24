package collector

import (
	"sync"
	"sync/atomic"
)

// slots bounds how many requests do something at one time.
type slots struct {
	max   int64
	taken atomic.Int64
}

// enter takes a slot, or says that none is free.
func (s *slots) enter() bool {
	if s.taken.Add(1) > s.max {
		s.taken.Add(-1)
		return false
	}
	return true
}

func (s *slots) leave() { s.taken.Add(-1) }

// gate counts who is inside and can be closed. Make one with newGate.
type gate struct {
	closed chan struct{} // itself closed once nobody is let in any more
	idle   chan struct{} // itself closed once, after that, the last one has left

	mu     sync.Mutex
	inside int  // owned by mu
	shut   bool // owned by mu
}

func newGate() *gate { return &gate{closed: make(chan struct{}), idle: make(chan struct{})} }

// enter reports false when the gate is closed.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.shut {
		close(g.idle)
	}
}

// close lets nobody in any more. It does not wait: see idle. It is idempotent.
func (g *gate) close() {
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
