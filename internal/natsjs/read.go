package natsjs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/heliograph-net/heliograph/report"
)

const (
	maxRead      = 1000    // messages of one Read
	maxReadBytes = 4 << 20 // of one Read
)

// Subject returns the subject of a collector's batches.
func Subject(stream string) string { return "heliograph.batches." + stream }

// Bucket returns the name of the bucket beside a collector's stream, or a hub's.
func Bucket(stream string) string { return stream + "-state" }

// AckKey returns the key of that bucket under which a reader acknowledges, as a decimal number.
func AckKey(reader string) string { return "ack." + reader }

// SeenKey returns the key under which a reader says every SeenEvery that it asks for batches.
func SeenKey(reader string) string { return "seen." + reader }

// SeenEvery is how often a reader says so.
const SeenEvery = 30 * time.Second

// Read reads the batches of a subject after a number, oldest first, at most limit and a few MiB.
// left is how many follow those. Any replica of the stream may answer, also one that does not have
// the newest batches yet.
func Read(ctx context.Context, js jetstream.JetStream, stream, subject string, after uint64, limit int) (all []report.Envelope, left uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(ctx, js, stream, min(limit, maxRead), jetstreamext.GetBatchSubject(subject),
		jetstreamext.GetBatchSeq(after+1), jetstreamext.GetBatchMaxBytes(maxReadBytes))
	if err != nil {
		return nil, 0, fmt.Errorf("reading stream %s: %w", stream, Named(err))
	}
	for m, err := range messages {
		switch {
		case errors.Is(err, jetstreamext.ErrNoMessages):
			return nil, 0, nil
		case err != nil && len(all) > 0:
			return all, left, nil // the next call meets the error again
		case err != nil:
			return nil, 0, fmt.Errorf("reading stream %s after %d: %w", stream, after, Named(err))
		}
		if len(all) > 0 && !follows(m, all[len(all)-1].Seq) {
			return all, left, nil
		}
		e, err := report.DecodeEnvelope(m.Data)
		if err != nil {
			return nil, 0, fmt.Errorf("message %d of stream %s was not written by a collector: %w; delete it (nats stream rmm)", m.Sequence, stream, err)
		}
		e.Seq, left = m.Sequence, pending(m)
		all = append(all, *e)
	}
	return all, left, nil
}

// lastSequence is the header that has the number of the message before in the same answer.
const lastSequence = "Nats-Last-Sequence"

// follows reports whether a message is the next one in an answer: a client that is too slow may
// miss some.
func follows(m *jetstream.RawStreamMsg, before uint64) bool {
	last, err := strconv.ParseUint(m.Header.Get(lastSequence), 10, 64)
	return err != nil || last == before
}

// pendingHeader is the header that has how many messages follow in the stream.
const pendingHeader = "Nats-Num-Pending"

// pending returns how many messages follow one, or 0 if the server does not say.
func pending(m *jetstream.RawStreamMsg) uint64 {
	n, err := strconv.ParseUint(m.Header.Get(pendingHeader), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
