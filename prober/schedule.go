package prober

import (
	"container/heap"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// judge counts the attempt just made and changes the state when enough in a row agree. again asks
// for another attempt soon, because the last one spoke against the state.
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

// reschedule sets the next attempt: soon, or in the next regular slot. Slots that have passed
// meanwhile are left out, so that a prober that cannot keep up does not fall further and further
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

// spread is server i's place in the interval, 0 to 1. Multiples of the golden ratio lie evenly
// however many there are, and put neighbours in the list far apart, so that a rack is never probed
// all at once and any stretch of time sees a part of each.
func spread(i int) float64 {
	_, fraction := math.Modf(float64(i) * (math.Phi - 1))
	return fraction
}

// queue holds the servers that are not being probed, the one that is due first in front. Only Run's
// goroutine uses it.
type queue struct{ byDue byDue }

func newQueue(all []*server, start time.Time, interval time.Duration) *queue {
	q := &queue{byDue: make(byDue, len(all))}
	for i, s := range all {
		if s.slot.IsZero() { // else it has its place already
			s.slot = start.Add(time.Duration(spread(i) * float64(interval)))
			s.due = s.slot
		}
		q.byDue[i] = s
	}
	heap.Init(&q.byDue)
	return q
}

// first is the server that is due first, nil when all are being probed.
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
