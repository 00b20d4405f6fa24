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

// queue orders entries by time. Nearly all of them are less than slots seconds ahead. These wait,
// unsorted, in a slot for their second, which becomes a heap only when its second begins. So a push
// costs an append. Entries further ahead wait in a heap of their own.
type queue struct {
	seq   uint64
	now   int64 // the current second, which ends at now*1000
	due   heap  // the entries of the current second that are left
	slots [128][]entry
	far   heap
}

// second returns the second whose slot a time belongs to: the one that ends at or after it.
func second(at int64) int64 { return (at + 999) / 1000 }

func (q *queue) push(e entry) {
	q.seq++
	e.seq = q.seq
	switch s := second(e.at); {
	case s <= q.now:
		q.due.push(e)
	case s-q.now < int64(len(q.slots)):
		slot := &q.slots[s%int64(len(q.slots))]
		*slot = append(*slot, e)
	default:
		q.far.push(e)
	}
}

// advance begins the second that ends at s*1000.
func (q *queue) advance(s int64) {
	q.now = s
	slot := &q.slots[s%int64(len(q.slots))]
	q.due = append(q.due[:0], *slot...)
	*slot = (*slot)[:0]
	for len(q.far) > 0 && second(q.far[0].at) <= s {
		q.due = append(q.due, q.far.pop())
	}
	slices.SortFunc(q.due, func(a, b entry) int {
		if a.before(b) {
			return -1
		}
		return 1
	}) // a sorted slice is a heap
}

// pop returns the next entry of the current second.
func (q *queue) pop() (entry, bool) {
	if len(q.due) == 0 {
		return entry{}, false
	}
	return q.due.pop(), true
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
