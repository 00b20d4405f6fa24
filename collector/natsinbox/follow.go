package natsinbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/internal/natsjs"
)

const (
	natsReader = "nats/" // before the name of a reader of Options.Readers
	hubReader  = "hub/"  // before the name of the hub's stream
	// sourceHeader is where a server says from which stream a message was sourced, and its number
	// there.
	sourceHeader = "Nats-Stream-Source"
)

// followed returns the names of the readers that do not acknowledge by Ack.
func (o *Options) followed() (names []string) {
	for _, name := range o.Readers {
		names = append(names, natsReader+name)
	}
	if o.Hub != "" {
		names = append(names, hubReader+o.Hub)
	}
	return names
}

// follow notes what the readers have that acknowledge in NATS. A hub that cannot be reached has
// what it had.
func (q *Queue) follow(ctx context.Context) error {
	for _, name := range q.o.Readers {
		seq, known, err := acked(ctx, q.bucket, name)
		if err != nil {
			return fmt.Errorf("bucket %s: %w", q.o.bucket(), err)
		}
		reads, err := q.reads(ctx, q.bucket, name)
		if err != nil {
			return fmt.Errorf("bucket %s: %w", q.o.bucket(), err)
		}
		if !known {
			continue
		}
		if err := q.ack(ctx, natsReader+name, seq, reads); err != nil {
			return fmt.Errorf("acknowledgement of reader %s: %w", name, err)
		}
	}
	if q.o.Hub == "" {
		return nil
	}
	unread, err := q.unreadAtHub(ctx)
	if err != nil {
		q.o.Logger.Warn("cannot ask how far detectors at the hub are", "hub", q.o.Hub, "error", err)
	}
	q.mu.Lock()
	q.unread = unread
	q.mu.Unlock()
	seq, err := q.atHub(ctx)
	if err != nil {
		q.o.Logger.Warn("cannot ask which batches the hub has; they are held", "hub", q.o.Hub, "error", err)
		return nil
	}
	if seq == 0 {
		return nil
	}
	return q.Ack(ctx, hubReader+q.o.Hub, seq)
}

// acked returns how far a reader has acknowledged in a bucket, if it has.
func acked(ctx context.Context, bucket jetstream.KeyValue, name string) (seq uint64, known bool, err error) {
	entry, err := bucket.Get(ctx, natsjs.AckKey(name))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, natsjs.Named(err)
	}
	if seq, err = strconv.ParseUint(string(entry.Value()), 10, 64); err != nil {
		return 0, false, fmt.Errorf("reader %s acknowledges %q, which is no number", name, entry.Value())
	}
	return seq, true, nil
}

// said is when a reader last said that it reads.
type said struct {
	revision uint64    // of the key under which it said so
	at       time.Time // when that revision was first seen here
}

// goneAfter is how long a reader says nothing before it counts as gone. It says every
// natsjs.SeenEvery that it reads, and the key is read every minute.
const goneAfter = 3 * time.Minute

// reads reports whether a reader has said lately that it reads. Detectors of earlier releases do
// not say it, and count as reading.
func (q *Queue) reads(ctx context.Context, bucket jetstream.KeyValue, name string) (bool, error) {
	entry, err := bucket.Get(ctx, natsjs.SeenKey(name))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return true, nil
	}
	if err != nil {
		return false, natsjs.Named(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hears(bucket.Bucket()+"/"+name, entry.Revision(), entry.Created(), time.Now()), nil
}

// hears notes the revision of a reader's key, and reports whether the reader has said lately that
// it reads. created is by the server's clock, which counts only for what was said before the queue
// was opened. The caller must hold mu.
func (q *Queue) hears(reader string, revision uint64, created, now time.Time) bool {
	last, known := q.said[reader]
	if !known || last.revision != revision {
		last = said{revision, now}
		if !known && now.Sub(created) >= goneAfter {
			last.at = time.Time{}
		}
		q.said[reader] = last
	}
	return now.Sub(last.at) < goneAfter
}

// unreadAtHub returns when the oldest batch was received that is at the hub, and that a detector
// which reads there has not acknowledged; zero without one.
func (q *Queue) unreadAtHub(ctx context.Context) (at time.Time, err error) {
	if len(q.o.HubReaders) == 0 {
		return at, nil
	}
	ctx, cancel := context.WithTimeout(ctx, natsjs.CallTimeout)
	defer cancel()
	js, err := natsjs.InDomain(q.conn, q.o.HubDomain)
	if err != nil {
		return at, err
	}
	bucket, err := js.KeyValue(ctx, natsjs.Bucket(q.o.Hub))
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return at, nil // no detector has acknowledged yet
	}
	if err != nil {
		return at, natsjs.Named(err)
	}
	least, any := uint64(0), false
	for _, name := range q.o.HubReaders {
		seq, known, err := acked(ctx, bucket, name)
		if err != nil {
			return at, err
		}
		reads, err := q.reads(ctx, bucket, name)
		if err != nil {
			return at, err
		}
		if known && reads && (!any || seq < least) {
			least, any = seq, true
		}
	}
	if !any {
		return at, nil
	}
	first, _, err := natsjs.Read(ctx, js, q.o.Hub, q.o.subject(), least, 1)
	if err != nil || len(first) == 0 {
		return at, err
	}
	return time.UnixMilli(first[0].Received), nil
}

// atHub returns the number that the newest batch at the hub has here; 0 if there is none.
func (q *Queue) atHub(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, natsjs.CallTimeout)
	defer cancel()
	js, err := natsjs.InDomain(q.conn, q.o.HubDomain)
	if err != nil {
		return 0, err
	}
	stream, err := js.Stream(ctx, q.o.Hub)
	if err != nil {
		return 0, err
	}
	if fault := losing(&stream.CachedInfo().Config); fault != "" {
		return 0, fmt.Errorf("stream %s would lose what is deleted here: %s", q.o.Hub, fault)
	}
	newest, err := stream.GetLastMsgForSubject(ctx, q.o.subject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	words := strings.Fields(newest.Header.Get(sourceHeader))
	if len(words) < 2 {
		return 0, fmt.Errorf("stream %s has batches that it did not source: it must have sources and no subjects", q.o.Hub)
	}
	return strconv.ParseUint(words[1], 10, 64)
}
