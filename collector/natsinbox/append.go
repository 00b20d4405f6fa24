package natsinbox

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/natsjs"
	"github.com/heliograph-net/heliograph/report"
)

// Codes of errors by which a server says that it has no room (nats-server, errors.json).
const (
	codeInsufficientResources = 10023 // of the cluster
	codeStorageExceeded       = 10047 // of the server's disk or account
	codeStoreFailed           = 10077 // of the stream, among other reasons
)

// bodyPart is how many bytes of a body's SHA-256 are in its message's id.
const bodyPart = 12

// Append implements [collector.Queue]. The server has the group durably when it returns nil, see
// [Options].
func (q *Queue) Append(ctx context.Context, entries []collector.Entry) error {
	if err := q.usable(ctx); err != nil {
		return err
	}
	if len(entries) == 0 {
		return nil
	}
	messages := make([]*nats.Msg, len(entries))
	for n := range entries {
		m, err := q.message(&entries[n])
		if err != nil {
			return err
		}
		messages[n] = m
	}
	last, err := q.publish(ctx, messages)
	if err != nil {
		err = q.named(fmt.Sprintf("publishing %d batches to stream %s", len(entries), q.o.Stream), err)
		q.full.Store(errors.Is(err, collector.ErrFull))
		return err
	}
	q.full.Store(false)
	q.raise(last)
	q.announce()
	return nil
}

// message makes the message of an entry.
func (q *Queue) message(e *collector.Entry) (*nats.Msg, error) {
	envelope := e.Envelope
	// the smallest that an envelope may have; the number of the message is what counts
	envelope.Seq = 1
	data, err := report.AppendEnvelope(nil, &envelope)
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg(q.o.subject())
	m.Data = data
	m.Header.Set(jetstream.MsgIDHeader, messageID(e))
	return m, nil
}

// messageID identifies a batch by its id and the beginning of its body's hash, in hexadecimal.
func messageID(e *collector.Entry) string {
	return hex.EncodeToString(e.Envelope.Batch[:]) + "-" + hex.EncodeToString(e.Body[:bodyPart])
}

// publish publishes messages and waits until all are acknowledged. It returns the greatest number
// that they have.
func (q *Queue) publish(ctx context.Context, messages []*nats.Msg) (last uint64, err error) {
	if !q.atomic || len(messages) == 1 {
		return q.publishEach(ctx, messages)
	}
	last, err = q.publishGroup(ctx, messages)
	if apiError, ok := errors.AsType[*jetstream.APIError](err); ok && apiError.ErrorCode == jetstreamext.JSErrCodeBatchPublishDuplicateMsgID {
		// Some were stored by an append whose answer was lost. The server refuses the group, but
		// takes each message by itself.
		for _, m := range messages {
			for _, h := range []string{jetstreamext.BatchIDHeader, jetstreamext.BatchSeqHeader, jetstreamext.BatchCommitHeader} {
				m.Header.Del(h)
			}
			m.Reply = ""
		}
		return q.publishEach(ctx, messages)
	}
	return last, err
}

// publishGroup publishes messages all or none.
func (q *Queue) publishGroup(ctx context.Context, messages []*nats.Msg) (last uint64, err error) {
	group, err := jetstreamext.NewBatchPublisher(q.js)
	if err != nil {
		return 0, err
	}
	final := len(messages) - 1
	for _, m := range messages[:final] {
		if err := group.AddMsg(m); err != nil {
			return 0, err
		}
	}
	ack, err := group.CommitMsg(ctx, messages[final])
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// publishEach publishes messages one by one, without waiting for one before the next.
func (q *Queue) publishEach(ctx context.Context, messages []*nats.Msg) (last uint64, err error) {
	futures := make([]jetstream.PubAckFuture, 0, len(messages))
	for _, m := range messages {
		f, err := q.js.PublishMsgAsync(m)
		if err != nil {
			return 0, err
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case ack := <-f.Ok():
			last = max(last, ack.Sequence)
		case err := <-f.Err():
			return 0, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return last, nil
}

// named adds to an error what was being done. It turns a server's errors about missing room into
// [collector.ErrFull].
func (q *Queue) named(doing string, err error) error {
	if apiError, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch code := apiError.ErrorCode; {
		case code == codeInsufficientResources, code == codeStorageExceeded, code == codeStoreFailed && strings.Contains(apiError.Description, "maximum bytes"):
			return fmt.Errorf("%s: %w: %w", doing, collector.ErrFull, err)
		}
	}
	return fmt.Errorf("%s: %w", doing, natsjs.Named(err))
}
