package inboxtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxtest"
	"github.com/heliograph-net/heliograph/report"
)

var errClosed = errors.New("closed")

// queue is a collector.Queue in memory. It outlives the handles that are opened on it.
type queue struct {
	bounds inboxtest.Bounds

	mu      sync.Mutex // owns what follows
	head    uint64
	acked   uint64
	dropped uint64
	pending []report.Envelope
	readers map[string]collector.ReaderStats
	changed chan struct{}
}

func newQueue(b inboxtest.Bounds) *queue {
	first := uint64(time.Now().UnixMicro())
	if b.MaxBytes == 0 {
		b.MaxBytes = 64 << 20
	}
	return &queue{bounds: b, head: first, acked: first, changed: make(chan struct{})}
}

func (q *queue) size() (n int64) {
	for i := range q.pending {
		n += 100 + int64(len(q.pending[i].Segment))
	}
	return n
}

// release forgets what all readers have. mu is held.
func (q *queue) release() {
	all := q.head
	for _, r := range q.readers {
		all = min(all, r.Acked)
	}
	if len(q.readers) > 0 {
		q.acked = max(q.acked, all)
	}
	q.pending = slices.DeleteFunc(q.pending, func(e report.Envelope) bool { return e.Seq <= q.acked })
}

// openQueue is a handle on a queue.
type openQueue struct {
	*queue
	closed bool // owned by queue.mu
}

// begin locks the queue for a call that end ends.
func (q *openQueue) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return errClosed
	}
	return nil
}

func (q *openQueue) Append(ctx context.Context, entries []collector.Entry) error {
	if err := q.begin(ctx); err != nil {
		return err
	}
	defer q.mu.Unlock()
	more := int64(0)
	for i := range entries {
		more += 100 + int64(len(entries[i].Envelope.Segment))
	}
	if q.size()+more > q.bounds.MaxBytes {
		return collector.ErrFull
	}
	for _, e := range entries {
		q.head++
		e.Envelope.Seq, e.Envelope.Segment = q.head, slices.Clone(e.Envelope.Segment)
		q.pending = append(q.pending, e.Envelope)
	}
	close(q.changed)
	q.changed = make(chan struct{})
	return nil
}

func (q *openQueue) Read(ctx context.Context, after uint64, limit int) (all []report.Envelope, err error) {
	if err := q.begin(ctx); err != nil {
		return nil, err
	}
	defer q.mu.Unlock()
	if after > q.head {
		return nil, collector.ErrCursor
	}
	for size, i := 0, 0; i < len(q.pending) && len(all) < limit && size < 1<<20; i++ {
		if e := q.pending[i]; e.Seq > after {
			e.Segment = slices.Clone(e.Segment)
			all, size = append(all, e), size+len(e.Segment)
		}
	}
	return all, nil
}

func (q *openQueue) SetReaders(ctx context.Context, names []string) error {
	if err := q.begin(ctx); err != nil {
		return err
	}
	defer q.mu.Unlock()
	next := make(map[string]collector.ReaderStats)
	for _, name := range names {
		r, ok := q.readers[name]
		if !ok {
			r = collector.ReaderStats{Name: name, Acked: q.acked}
		}
		next[name] = r
	}
	q.readers = next
	return nil
}

func (q *openQueue) Ack(ctx context.Context, reader string, upTo uint64) error {
	if err := q.begin(ctx); err != nil {
		return err
	}
	defer q.mu.Unlock()
	r, ok := q.readers[reader]
	switch {
	case !ok:
		return fmt.Errorf("%w: %s", collector.ErrReader, reader)
	case upTo > q.head:
		return collector.ErrCursor
	}
	r.Acked, r.Seen = max(r.Acked, upTo), time.Now()
	q.readers[reader] = r
	q.release()
	return nil
}

func (q *openQueue) Changed() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changed
}

func (q *openQueue) Maintain(ctx context.Context) error {
	if err := q.begin(ctx); err != nil {
		return err
	}
	defer q.mu.Unlock()
	for len(q.pending) > 0 && tooOld(q.pending[0].Received, q.bounds.MaxAge) {
		q.acked, q.pending, q.dropped = q.pending[0].Seq, q.pending[1:], q.dropped+1
	}
	return nil
}

func tooOld(received int64, age time.Duration) bool {
	return age > 0 && time.Since(time.UnixMilli(received)).Abs() > age
}

func (q *openQueue) Check(ctx context.Context) error {
	if err := q.begin(ctx); err != nil {
		return err
	}
	defer q.mu.Unlock()
	if q.size()+1000 > q.bounds.MaxBytes {
		return collector.ErrFull
	}
	return nil
}

func (q *openQueue) Stats(ctx context.Context) (s collector.InboxStats, err error) {
	if err := q.begin(ctx); err != nil {
		return s, err
	}
	defer q.mu.Unlock()
	s = collector.InboxStats{Head: q.head, Acked: q.acked, Pending: uint64(len(q.pending)), Dropped: q.dropped,
		Bytes: q.size(), MaxBytes: q.bounds.MaxBytes}
	if len(q.pending) > 0 {
		s.Oldest = time.UnixMilli(q.pending[0].Received)
	}
	for _, r := range q.readers {
		s.Readers = append(s.Readers, r)
	}
	slices.SortFunc(s.Readers, func(a, b collector.ReaderStats) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

func (q *openQueue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	return nil
}

// ledger is a collector.Ledger in memory.
type ledger struct {
	retention time.Duration

	mu    sync.Mutex
	known map[key]collector.Entry // without their segments; owned by mu
}

// key is what a batch is known by.
type key struct {
	id   report.BatchID
	body [32]byte
}

func keyOf(e *collector.Entry) key { return key{e.Envelope.Batch, e.Body} }

func newLedger(b inboxtest.Bounds) *ledger {
	return &ledger{retention: b.Retention, known: make(map[key]collector.Entry)}
}

func (l *ledger) Find(ctx context.Context, entries []collector.Entry) ([]collector.Status, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	statuses := make([]collector.Status, len(entries))
	for i := range entries {
		statuses[i] = collector.StatusNew
		if _, known := l.known[keyOf(&entries[i])]; known {
			statuses[i] = collector.StatusDuplicate
		}
	}
	return statuses, ctx.Err()
}

func (l *ledger) Record(ctx context.Context, entries []collector.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		e.Envelope.Segment = nil
		if _, known := l.known[keyOf(&e)]; !known {
			l.known[keyOf(&e)] = e
		}
	}
	return nil
}

func (l *ledger) Maintain(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for b, e := range l.known {
		if tooOld(e.Envelope.Received, l.retention) {
			delete(l.known, b)
		}
	}
	return nil
}

func (l *ledger) Check(ctx context.Context) error { return ctx.Err() }
func (l *ledger) Close() error                    { return nil }
