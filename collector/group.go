package collector

import "sync"

// group gathers what many goroutines submit and works on all of it together, so that one fsync or
// one signature serves many. Whatever arrives while the work is done waits for the next round:
// groups grow with the load and are single without it.
type group[T any] struct {
	in     chan T
	weight func(T) int // of one item, in bytes
	work   func([]T)   // called by the group's own goroutine, one round at a time
	stop   chan struct{}
	once   sync.Once
	done   chan struct{} // closed when the goroutine has ended
}

// commitBytes is the weight after which a round takes nothing more.
const commitBytes = 8 << 20

// startGroup starts a group that lets at most waiting items wait; end stops it. A round has at most
// MaxCommit items.
func startGroup[T any](waiting int, weight func(T) int, work func([]T)) *group[T] {
	g := &group[T]{in: make(chan T, waiting), weight: weight, work: work, stop: make(chan struct{}), done: make(chan struct{})}
	go g.run()
	return g
}

// submit hands x over without blocking and says whether it was taken.
func (g *group[T]) submit(x T) bool {
	select {
	case g.in <- x:
		return true
	default:
		return false
	}
}

// end lets the goroutine finish what was submitted before and stop. It does not wait: see done.
func (g *group[T]) end() { g.once.Do(func() { close(g.stop) }) }

func (g *group[T]) run() {
	defer close(g.done)
	var round []T
	for {
		select {
		case x := <-g.in:
			round = g.gather(append(round[:0], x))
			g.work(round)
			clear(round)
		case <-g.stop:
			if len(g.in) == 0 {
				return
			}
		}
	}
}

// gather adds what is waiting already.
func (g *group[T]) gather(round []T) []T {
	for bytes := g.weight(round[0]); len(round) < MaxCommit && bytes < commitBytes; {
		select {
		case x := <-g.in:
			round = append(round, x)
			bytes += g.weight(x)
		default:
			return round
		}
	}
	return round
}
