package prober

import (
	"container/heap"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// judge counts the last attempt and changes the state if enough attempts in a row agree. again says
// that another attempt should follow soon, because the last one contradicts the state.
func (s *server) judge(downAfter, upAfter int) (again bool) {
	if s.result.Outcome.Failed() {
		s.failed, s.passed = min(s.failed+1, downAfter), 0
		if s.failed >= downAfter {
			s.state = heatmap.Down
		}
		return s.state != heatmap.Down
	}
	s.failed, s.passed = 0, min(s.passed+1, upAfter)
	if s.passed >= upAfter {
		s.state = heatmap.Up
	}
	return s.state != heatmap.Up
}

// reschedule sets the time of the next attempt: soon, or in the next regular slot. It skips slots
// that have passed meanwhile. So a prober that cannot keep up does not fall further and further
// behind, and each server keeps its place in the interval.
func (s *server) reschedule(now time.Time, again bool, o *Options) {
	if again {
		s.due = now.Add(o.RetryInterval)
		return
	}
	if !s.slot.After(now) {
		missed := now.Sub(s.slot) / o.Interval
		s.slot = s.slot.Add((missed + 1) * o.Interval)
	}
	s.due = s.slot
}

// spread returns the place of server i in the interval, from 0 to 1. Multiples of the golden ratio
// are spread evenly for any number of servers, and neighbours in the list are far apart. So a rack
// is never probed all at once, and any part of the interval sees some servers of each rack.
func spread(i int) float64 {
	_, fraction := math.Modf(float64(i) * (math.Phi - 1))
	return fraction
}

// queue holds the servers that are not being probed, ordered by when they are due. Only Run's
// goroutine uses it.
type queue struct{ byDue byDue }

func newQueue(all []*server, start time.Time, interval time.Duration) *queue {
	q := &queue{byDue: make(byDue, len(all))}
	for i, s := range all {
		if s.slot.IsZero() { // a new server; others keep their place
			s.slot = start.Add(time.Duration(spread(i) * float64(interval)))
			s.due = s.slot
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
