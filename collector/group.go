package collector

import (
	"runtime"
	"sync"
)

// group collects items that many goroutines submit and works on them together, so that one fsync or
// one signature serves many. Items that arrive during a round wait for the next one. So rounds grow
// with the load, and have a single item if there is little.
type group[T any] struct {
	in     chan T
	weight func(T) int // of one item, in bytes
	work   func([]T)   // called by run, one round at a time

	mu    sync.RWMutex
	state groupState // guarded by mu
}

type groupState uint8

const (
	groupNew groupState = iota
	groupOpen
	groupEnded // in is closed
)

// commitBytes is the weight at which a round is complete.
const commitBytes = 8 << 20

// newGroup returns a group in which at most waiting items wait. A round has at most
// [MaxCommit] items.
func newGroup[T any](waiting int, weight func(T) int, work func([]T)) *group[T] {
	return &group[T]{in: make(chan T, waiting), weight: weight, work: work}
}

// open allows items to be submitted. They wait for run.
func (g *group[T]) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = groupOpen
}

// submit adds x without blocking and reports whether it was accepted. It is not if too many items
// wait, before open, or after end.
func (g *group[T]) submit(x T) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.state != groupOpen {
		return false
	}
	select {
	case g.in <- x:
		return true
	default:
		return false
	}
}

// end makes run return after it has finished the items submitted so far. It does not wait. It must
// be called only once.
func (g *group[T]) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = groupEnded
	close(g.in)
}

// run works until end is called. Before each round it lets the others run that are ready to: some
// of them submit items, and a larger round is cheaper for each. With nothing else to do it does
// not wait.
func (g *group[T]) run() {
	var round []T
	for x := range g.in {
		runtime.Gosched()
		round = g.gather(append(round[:0], x))
		g.work(round)
		clear(round)
	}
}

// gather adds the items that are already waiting.
func (g *group[T]) gather(round []T) []T {
	for bytes := g.weight(round[0]); len(round) < MaxCommit && bytes < commitBytes; {
		select {
		case x, ok := <-g.in:
			if !ok {
				return round
			}
			round = append(round, x)
			bytes += g.weight(x)
		default:
			return round
		}
	}
	return round
}
