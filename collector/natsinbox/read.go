package natsinbox

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/natsjs"
	"github.com/heliograph-net/heliograph/report"
)

// Read implements [collector.Backlog].
func (q *Queue) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	if err := q.usable(ctx); err != nil {
		return nil, err
	}
	if err := q.reached(ctx, after); err != nil {
		return nil, err
	}
	q.mu.Lock()
	after = max(after, q.state.Acked)
	q.mu.Unlock()
	wait := firstWait
	for after < q.head.Load() {
		all, err := q.read(ctx, after, limit)
		if err != nil || len(all) > 0 || wait > lastWait {
			return all, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		wait *= 2
	}
	return nil, nil
}

// Any replica may answer a read, also one that does not have the newest messages yet. It is asked
// again after some time, which doubles.
const (
	firstWait = 10 * time.Millisecond
	lastWait  = 640 * time.Millisecond
)

// reached returns [collector.ErrCursor] if the stream has not come to a number yet.
func (q *Queue) reached(ctx context.Context, seq uint64) error {
	if seq <= q.head.Load() {
		return nil
	}
	if _, err := q.info(ctx); err != nil {
		return err
	}
	if seq > q.head.Load() {
		return collector.ErrCursor
	}
	return nil
}

// read reads messages after a number, at most limit.
func (q *Queue) read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	all, _, err := natsjs.Read(ctx, q.js, q.o.Stream, q.o.subject(), after, limit)
	if len(all) > 0 {
		q.raise(all[len(all)-1].Seq)
	}
	return all, err
}
