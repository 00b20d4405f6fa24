package prober

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// haste says when another attempt should follow.
type haste int

const (
	regularly haste = iota // in its slot
	soon                   // because the last attempt contradicts the state
	atOnce                 // because a packet that was lost is no failure
)

// judge counts the last attempt and changes the state if enough attempts in a row agree. A first
// failure only counts once it is confirmed by an attempt made at once.
func (s *server) judge(downAfter, upAfter int) haste {
	failed := s.result.Outcome.Failed()
	if failed && s.state != heatmap.Down && s.failed == 0 && !s.suspect {
		s.suspect, s.passed = true, 0
		return atOnce
	}
	if s.suspect = false; failed {
		s.failed, s.passed = min(s.failed+1, downAfter), 0
		if s.failed >= downAfter {
			s.state = heatmap.Down
		}
		return soonIf(s.state != heatmap.Down)
	}
	s.failed, s.passed = 0, min(s.passed+1, upAfter)
	if s.passed >= upAfter {
		s.state = heatmap.Up
	}
	return soonIf(s.state != heatmap.Up)
}

func soonIf(yes bool) haste {
	if yes {
		return soon
	}
	return regularly
}

// doubted forgets the attempts so far, which are in doubt, too.
func (s *server) doubted() { s.failed, s.passed, s.suspect = 0, 0, false }

// reschedule sets the time of the next attempt: at once, soon, or in the next regular slot. It
// skips slots that have passed meanwhile. So a prober that cannot keep up does not fall further and
// further behind, and each server keeps its place in the interval.
func (s *server) reschedule(now time.Time, when haste, o *Options) {
	switch when {
	case atOnce:
		s.due = now
		return
	case soon:
		s.due = now.Add(o.RetryInterval)
		return
	}
	if !s.slot.After(now) {
		missed := now.Sub(s.slot) / o.Interval
		s.slot = s.slot.Add((missed + 1) * o.Interval)
	}
	s.due = s.slot.Add(o.jitter())
}

// jitter returns by how much a regular attempt comes later.
func (o *Options) jitter() time.Duration {
	return time.Duration(rand.Float64() * o.Jitter * float64(o.Interval))
}

// spread returns the place of server i in the interval, from 0 to 1. Server 0 is at phase.
// Multiples of the golden ratio are spread evenly for any number of servers, and neighbours in the
// list are far apart. So a rack is never probed all at once, and any part of the interval sees some
// servers of each rack.
func spread(i int, phase float64) float64 {
	_, fraction := math.Modf(phase + float64(i)*(math.Phi-1))
	return fraction
}

// queue holds the servers that are not being probed, ordered by when they are due. Only Run's
// goroutine uses it.
type queue struct{ byDue byDue }

func newQueue(all []*server, start time.Time, o *Options) *queue {
	q := &queue{byDue: make(byDue, len(all))}
	for i, s := range all {
		if s.slot.IsZero() { // a new server; others keep their place
			s.slot = start.Add(time.Duration(spread(i, o.Phase) * float64(o.Interval)))
			s.due = s.slot.Add(o.jitter())
		}
		q.byDue[i] = s
	}
	heap.Init(&q.byDue)
	return q
}

// first returns the server that is due first, or nil if all servers are being probed.
func (q *queue) first() *server {
	if len(q.byDue) == 0 {
		return nil
	}
	return q.byDue[0]
}

func (q *queue) removeFirst()  { heap.Pop(&q.byDue) }
func (q *queue) add(s *server) { heap.Push(&q.byDue, s) }

// byDue implements heap.Interface.
type byDue []*server

func (b byDue) Len() int           { return len(b) }
func (b byDue) Less(i, j int) bool { return b[i].due.Before(b[j].due) }
func (b byDue) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byDue) Push(x any)        { *b = append(*b, x.(*server)) }

func (b *byDue) Pop() any {
	last := len(*b) - 1
	s := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return s
}
