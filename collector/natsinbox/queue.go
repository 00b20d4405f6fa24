package natsinbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/natsjs"
	"github.com/heliograph-net/heliograph/internal/wallclock"
)

// ErrClosed says that a [Queue] was closed.
var ErrClosed = errors.New("queue is closed")

// Queue is a [collector.Queue] in a JetStream stream. It is safe for concurrent use.
type Queue struct {
	o      Options
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	bucket jetstream.KeyValue
	atomic bool            // the server takes groups as atomic publishes
	ages   *wallclock.Ages // whether batches may be dropped for their age
	head   atomic.Uint64   // greatest known number of a message
	full   atomic.Bool     // the last append found no room
	closed atomic.Bool

	mu       sync.Mutex // guards the following fields, and orders the changes of state
	state    state
	revision uint64               // of state in the bucket
	seen     map[string]time.Time // by reader: its last Ack
	said     map[string]said      // by reader of a stream: when it last said that it reads
	unread   time.Time            // see collector.InboxStats

	changedMu sync.Mutex
	changed   chan struct{} // guarded by changedMu; closed and replaced by Append
}

var _ collector.Queue = (*Queue)(nil)

// Open connects and opens the stream, or creates it. The caller closes the queue. The error says
// what was tried, and which setting of the stream or its server must be changed.
func Open(ctx context.Context, o Options) (*Queue, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.fill()
	q := &Queue{o: o, seen: make(map[string]time.Time), said: make(map[string]said), changed: make(chan struct{})}
	for _, step := range []func() error{
		q.connect, func() error { return q.openStream(ctx) }, func() error { return q.openState(ctx) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, q.Close())
		}
	}
	return q, nil
}

func (q *Queue) connect() (err error) {
	connection := q.o.connection()
	q.conn, q.js, err = connection.Connect("heliograph collector "+q.o.Stream, q.o.Logger)
	return err
}

// info asks for the state of the stream.
func (q *Queue) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	if err := q.usable(ctx); err != nil {
		return nil, err
	}
	info, err := q.stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for stream %s: %w", q.o.Stream, err)
	}
	q.raise(info.State.LastSeq)
	return info, nil
}

// usable returns an error if the queue is closed or ctx has ended.
func (q *Queue) usable(ctx context.Context) error {
	if q.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// raise notes that there is a message with this number.
func (q *Queue) raise(seq uint64) {
	for {
		head := q.head.Load()
		if seq <= head || q.head.CompareAndSwap(head, seq) {
			return
		}
	}
}

// Changed implements [collector.Backlog].
func (q *Queue) Changed() <-chan struct{} {
	q.changedMu.Lock()
	defer q.changedMu.Unlock()
	return q.changed
}

func (q *Queue) announce() {
	q.changedMu.Lock()
	defer q.changedMu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}

// Check implements [collector.Backlog].
func (q *Queue) Check(ctx context.Context) error {
	info, err := q.info(ctx)
	if err != nil {
		return err
	}
	if info.State.Bytes+natsjs.HeaderBytes > uint64(q.o.MaxBytes) {
		return fmt.Errorf("%w: stream %s has %d of %d bytes", collector.ErrFull, q.o.Stream, info.State.Bytes, q.o.MaxBytes)
	}
	if _, err := q.bucket.Put(ctx, keyCheck, []byte{}); err != nil {
		return q.named("writing to "+q.o.bucket(), err)
	}
	return nil
}

// Stats implements [collector.Backlog].
func (q *Queue) Stats(ctx context.Context) (s collector.InboxStats, err error) {
	info, err := q.info(ctx)
	if err != nil {
		return s, err
	}
	q.mu.Lock()
	s.Acked, s.Dropped, s.Readers, s.Unread = q.state.Acked, q.state.Dropped, q.readers(), q.unread
	q.mu.Unlock()
	s.Head, s.Pending = q.head.Load(), info.State.Msgs
	s.Bytes, s.MaxBytes, s.Full = int64(info.State.Bytes), q.o.MaxBytes, q.full.Load()
	if s.Pending > 0 {
		first, err := q.read(ctx, s.Acked, 1)
		if err != nil {
			return s, err
		}
		if len(first) > 0 {
			s.Oldest = time.UnixMilli(first[0].Received)
		}
	}
	return s, nil
}

// Close implements [collector.Backlog].
func (q *Queue) Close() error {
	if !q.closed.Swap(true) && q.conn != nil {
		q.conn.Close()
	}
	return nil
}
