package intake

import (
	"context"
	"sync"

	"github.com/heliograph-net/heliograph/report"
)

// feed is a collector's inbox with all batches of a workload.
type feed struct {
	all  []report.Envelope // nil: they are sealed when they are read
	seal func(int, int) ([]report.Envelope, error)
	size uint64

	mu    sync.Mutex
	acked uint64
	done  chan struct{} // closed when all batches are acknowledged
	tell  func(acked uint64)
}

func newFeed(w *Workload, all []report.Envelope) *feed {
	return &feed{all: all, seal: w.Envelopes, size: uint64(w.Size), done: make(chan struct{})}
}

// Read implements detector.Feed.
func (f *feed) Read(_ context.Context, after uint64, limit int) ([]report.Envelope, error) {
	if after >= f.size {
		return nil, nil
	}
	if f.all == nil {
		return f.seal(int(after), limit)
	}
	return f.all[after:min(after+uint64(limit), f.size)], nil
}

// Ack implements detector.Feed.
func (f *feed) Ack(_ context.Context, upTo uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.acked < f.size && upTo >= f.size {
		close(f.done)
	}
	f.acked = max(f.acked, upTo)
	if f.tell != nil {
		f.tell(f.acked)
	}
	return nil
}
