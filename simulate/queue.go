package simulate

import "slices"

// entry is something that will happen at a time. Entries of the same millisecond happen in the
// order in which they were pushed.
type entry struct {
	at   int64  // Unix milliseconds
	seq  uint64 // number of the push
	kind uint8
	gen  uint32 // of the visit; an entry with an older one is void
	id   uint32
}

func (e entry) before(o entry) bool {
	return e.at < o.at || (e.at == o.at && e.seq < o.seq)
}

// queue orders entries by time. Nearly all of them are less than slots seconds ahead. These wait in
// the order in which they were pushed, in a slot for their second, which is sorted only when its
// second begins. So a push costs an append. Entries further ahead wait in a heap of their own, and
// so do those that are pushed into the current second.
type queue struct {
	seq   uint64
	now   int64   // the current second, which ends at now*1000
	due   []entry // of the current second, sorted; those from next on are left
	next  int
	fresh heap // pushed into the current second
	slots [128][]entry
	far   heap
	found []entry // scratch memory of advance
}

// second returns the second whose slot a time belongs to: the one that ends at or after it.
func second(at int64) int64 { return (at + 999) / 1000 }

func (q *queue) push(e entry) {
	q.seq++
	e.seq = q.seq
	switch s := second(e.at); {
	case s <= q.now:
		q.fresh.push(e)
	case s-q.now < int64(len(q.slots)):
		slot := &q.slots[s%int64(len(q.slots))]
		*slot = append(*slot, e)
	default:
		q.far.push(e)
	}
}

// advance begins the second that ends at s*1000. What is left of the one before is lost.
func (q *queue) advance(s int64) {
	q.now = s
	q.found = q.found[:0]
	for len(q.far) > 0 && second(q.far[0].at) <= s {
		q.found = append(q.found, q.far.pop())
	}
	slot := &q.slots[s%int64(len(q.slots))]
	q.found = append(q.found, *slot...) // they were pushed after those that were far ahead
	*slot = (*slot)[:0]
	q.fresh = q.fresh[:0]
	q.sort()
}

// sort sorts found into due by counting how many entries each millisecond has. It keeps the order
// of entries of the same millisecond.
func (q *queue) sort() {
	var ends [1001]int
	millisecond := func(e *entry) int64 { return min(max(e.at-(q.now-1)*1000-1, 0), 999) }
	for i := range q.found {
		ends[millisecond(&q.found[i])+1]++
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	q.due, q.next = slices.Grow(q.due[:0], len(q.found))[:len(q.found)], 0
	for i := range q.found {
		m := millisecond(&q.found[i])
		q.due[ends[m]] = q.found[i]
		ends[m]++
	}
}

// pop returns the next entry of the current second.
func (q *queue) pop() (entry, bool) {
	switch {
	case q.next < len(q.due) && (len(q.fresh) == 0 || q.due[q.next].before(q.fresh[0])):
		q.next++
		return q.due[q.next-1], true
	case len(q.fresh) > 0:
		return q.fresh.pop(), true
	default:
		return entry{}, false
	}
}

// heap is a binary heap, the earliest entry first.
type heap []entry

func (h *heap) push(e entry) {
	*h = append(*h, e)
	a := *h
	for i := len(a) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a[i].before(a[parent]) {
			break
		}
		a[i], a[parent] = a[parent], a[i]
		i = parent
	}
}

func (h *heap) pop() entry {
	a := *h
	first, last := a[0], len(a)-1
	a[0] = a[last]
	a = a[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && a[child+1].before(a[child]) {
			child++
		}
		if !a[child].before(a[i]) {
			break
		}
		a[i], a[child] = a[child], a[i]
		i = child
	}
	*h = a
	return first
}
