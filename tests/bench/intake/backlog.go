package intake

import (
	"context"
	"runtime"
)

// Backlog is what the memory of a detector was while it read all batches of a workload, the cost of
// sealing them included.
type Backlog struct {
	Result
	Heap [5][]float64 // bytes of live heap, at times while each fifth was read
}

// looks is how often memory is looked at.
const looks = 100

// RunBacklog is like [Run] for a workload that does not fit into memory: batches are sealed when
// the detector reads them.
func RunBacklog(ctx context.Context, dir string, w *Workload) (b Backlog, err error) {
	f := newFeed(w, nil)
	next := uint64(0)
	f.tell = func(acked uint64) {
		if acked < next {
			return
		}
		next = acked + f.size/looks
		fifth := &b.Heap[(acked-1)*uint64(len(b.Heap))/f.size]
		*fifth = append(*fifth, liveHeap())
	}
	b.Result, err = run(ctx, dir, w, f)
	return b, err
}

func liveHeap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
