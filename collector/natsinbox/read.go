package natsinbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

const (
	maxRead      = 1000    // messages of one Read
	maxReadBytes = 4 << 20 // of one Read
	// lastSequence is the header that has the number of the message before in the same answer.
	lastSequence = "Nats-Last-Sequence"
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
func (q *Queue) read(ctx context.Context, after uint64, limit int) (all []report.Envelope, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(ctx, q.js, q.o.Stream, min(limit, maxRead),
		jetstreamext.GetBatchSeq(after+1), jetstreamext.GetBatchMaxBytes(maxReadBytes))
	if err != nil {
		return nil, fmt.Errorf("reading stream %s: %w", q.o.Stream, err)
	}
	for m, err := range messages {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return nil, nil
		case err != nil && len(all) > 0:
			return all, nil // the next call meets the error again
		case err != nil:
			return nil, fmt.Errorf("reading stream %s after %d: %w", q.o.Stream, after, err)
		}
		if len(all) > 0 && !follows(m, all[len(all)-1].Seq) {
			return all, nil
		}
		e, err := report.DecodeEnvelope(m.Data)
		if err != nil {
			return nil, fmt.Errorf("message %d of stream %s was not written by a collector: %w; delete it (nats stream rmm)", m.Sequence, q.o.Stream, err)
		}
		e.Seq = m.Sequence
		q.raise(e.Seq)
		all = append(all, *e)
	}
	return all, nil
}

// follows reports whether a message is the next one in an answer: a client that is too slow may
// miss some.
func follows(m *jetstream.RawStreamMsg, before uint64) bool {
	last, err := strconv.ParseUint(m.Header.Get(lastSequence), 10, 64)
	return err != nil || last == before
}
