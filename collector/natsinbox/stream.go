package natsinbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// window is how long the server itself recognizes a batch that is published again. It must be
// longer than an uploader waits before it comes again after an answer was lost, and short, because
// the server holds the ids in memory.
const window = 10 * time.Minute

// openStream opens the stream or creates it, and checks that it keeps what it is given.
func (q *Queue) openStream(ctx context.Context) error {
	stream, err := q.js.Stream(ctx, q.o.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = q.create(ctx)
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", q.o.Stream, err)
	}
	q.stream = stream
	config := stream.CachedInfo().Config
	if fault := unfit(&config, q.o.subject()); fault != "" {
		return fmt.Errorf("stream %s cannot hold batches: %s", q.o.Stream, fault)
	}
	if config.MaxBytes != q.o.MaxBytes {
		config.MaxBytes = q.o.MaxBytes
		if q.stream, err = q.js.UpdateStream(ctx, config); err != nil {
			return fmt.Errorf("stream %s: setting its maximum to %d bytes: %w", q.o.Stream, q.o.MaxBytes, err)
		}
	}
	q.atomic = config.AllowAtomicPublish
	return q.checkDurable(ctx, &config)
}

// create creates the stream. Its numbers start at the time in microseconds, so that a cursor of an
// earlier stream of this name is below all numbers of this one.
func (q *Queue) create(ctx context.Context) (jetstream.Stream, error) {
	return q.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: q.o.Stream, Description: "sealed batches of a Heliograph collector", Subjects: []string{q.o.subject()},
		Storage: jetstream.FileStorage, Replicas: q.o.Replicas, MaxBytes: q.o.MaxBytes, Discard: jetstream.DiscardNew,
		Duplicates: window, FirstSeq: uint64(time.Now().UnixMicro()), AllowDirect: true, AllowAtomicPublish: true,
	})
}

// unfit returns the setting by which a stream would lose batches or could not be read; "" if there
// is none.
func unfit(c *jetstream.StreamConfig, subject string) string {
	switch {
	case len(c.Subjects) != 1 || c.Subjects[0] != subject:
		return fmt.Sprintf("its subjects are %q, want only %s", c.Subjects, subject)
	case c.Storage != jetstream.FileStorage:
		return "it is in memory, want storage: file"
	case c.Retention != jetstream.LimitsPolicy:
		return "its retention is not limits: messages would be deleted before all readers have them"
	case c.Discard != jetstream.DiscardNew:
		return "it discards old messages when it is full, want discard: new"
	case c.MaxAge != 0 || c.MaxMsgs > 0 || c.MaxMsgsPerSubject > 0:
		return "it limits age or number of messages: batches would be deleted before all readers have them"
	case !c.AllowDirect:
		return "it does not allow direct gets, want allow_direct: true"
	case c.DenyPurge:
		return "it denies purges: acknowledged batches could never be deleted"
	case c.NoAck:
		return "it acknowledges nothing (no_ack)"
	case c.Sealed:
		return "it is sealed"
	}
	return ""
}
