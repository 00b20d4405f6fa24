package collector

import "sync"

// group gathers what many goroutines submit and works on all of it together, so that one fsync or
// one signature serves many. Whatever arrives while the work is done waits for the next round:
// groups grow with the load and are single without it.
type group[T any] struct {
	in     chan T
	weight func(T) int // of one item, in bytes
	work   func([]T)   // called by run, one round at a time

	mu    sync.RWMutex
	state groupState // owned by mu
}

type groupState uint8

const (
	groupNew groupState = iota
	groupOpen
	groupEnded // in is closed
)

// commitBytes is the weight after which a round takes nothing more.
const commitBytes = 8 << 20

// newGroup makes a group that lets at most waiting items wait. A round has at most MaxCommit items.
func newGroup[T any](waiting int, weight func(T) int, work func([]T)) *group[T] {
	return &group[T]{in: make(chan T, waiting), weight: weight, work: work}
}

// open lets items be submitted. They wait for run.
func (g *group[T]) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = groupOpen
}

// submit hands x over without blocking and says whether it was taken: not when too many wait, and
// not before open or after end.
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

// end lets run finish what was submitted before and return. It does not wait. Call it once.
func (g *group[T]) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = groupEnded
	close(g.in)
}

// run works until end was called.
func (g *group[T]) run() {
	var round []T
	for x := range g.in {
		round = g.gather(append(round[:0], x))
		g.work(round)
		clear(round)
	}
}

// gather adds what is waiting already.
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
