package collector

import (
	"context"
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

// gate counts who is inside and can be closed. The zero value is open.
type gate struct {
	mu     sync.Mutex
	inside int // owned by mu
	// owned by mu; not nil once closed; itself closed when the last one has left
	idle chan struct{}
}

// enter reports false when the gate is closed.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.idle != nil {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.idle != nil {
		close(g.idle)
	}
}

// close lets nobody in any more and waits until all have left or ctx ends.
func (g *gate) close(ctx context.Context) error {
	g.mu.Lock()
	if g.idle == nil {
		g.idle = make(chan struct{})
		if g.inside == 0 {
			close(g.idle)
		}
	}
	idle := g.idle
	g.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
