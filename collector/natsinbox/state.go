package natsinbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/wallclock"
)

// Keys of the bucket.
const (
	keyState = "state"
	keyCheck = "check" // written by Check
)

// state is what a queue must remember besides its batches. It is stored as JSON.
type state struct {
	Readers map[string]uint64 `json:"readers"` // by name: it has everything up to this number
	// everything up to this number was acknowledged by all, or dropped
	Acked   uint64 `json:"acked"`
	Dropped uint64 `json:"dropped"` // batches that never were
}

func (s *state) clone() state {
	c := *s
	if c.Readers = maps.Clone(s.Readers); c.Readers == nil {
		c.Readers = make(map[string]uint64)
	}
	return c
}

// release raises Acked to what all readers have.
func (s *state) release(head uint64) {
	if len(s.Readers) == 0 {
		return
	}
	all := head
	for _, acked := range s.Readers {
		all = min(all, acked)
	}
	s.Acked = max(s.Acked, all)
}

// fit makes a state fit a stream with messages from first to last. If the stream is an older copy,
// or was deleted and made again, its readers start with all that it has.
func (s *state) fit(first, last uint64) {
	other := s.Acked > last
	if other || s.Acked+1 < first {
		s.Acked = first - 1
	}
	for name, acked := range s.Readers {
		if other || acked > last || acked < s.Acked {
			s.Readers[name] = s.Acked
		}
	}
}

// openState opens or creates the bucket and reads the state.
func (q *Queue) openState(ctx context.Context) error {
	info := q.stream.CachedInfo()
	bucket, err := q.js.KeyValue(ctx, q.o.bucket())
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = q.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: q.o.bucket(), Description: "readers of " + q.o.Stream,
			Replicas: info.Config.Replicas, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return fmt.Errorf("bucket %s: %w", q.o.bucket(), err)
	}
	q.bucket = bucket
	info, err = q.info(ctx)
	if err != nil {
		return err
	}
	q.ages = wallclock.NewAges(wallclock.System(), info.State.LastTime)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.load(ctx); err != nil {
		return err
	}
	q.state.fit(info.State.FirstSeq, info.State.LastSeq)
	return q.purge(ctx, q.state.Acked)
}

// load reads the state from the bucket. The caller must hold mu.
func (q *Queue) load(ctx context.Context) error {
	entry, err := q.bucket.Get(ctx, keyState)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		q.state, q.revision = (&state{}).clone(), 0
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading bucket %s: %w", q.o.bucket(), err)
	}
	var s state
	if err := json.Unmarshal(entry.Value(), &s); err != nil {
		return fmt.Errorf("state in bucket %s: %w; delete the bucket: all batches that are held are then read again", q.o.bucket(), err)
	}
	q.state, q.revision = s.clone(), entry.Revision()
	return nil
}

// maxTries is how often a change is tried that meets another one. Only an answer that was lost, or
// a second collector with the same stream, makes such a meeting.
const maxTries = 3

// change makes f's change of the state durable. f may be called several times. If everything up to
// a greater number than before is acknowledged then, the messages up to it are deleted. The caller
// must hold mu.
func (q *Queue) change(ctx context.Context, f func(*state) error) error {
	for try := 1; ; try++ {
		next := q.state.clone()
		if err := f(&next); err != nil {
			return err
		}
		text, err := json.Marshal(&next)
		if err != nil {
			return err
		}
		revision, err := q.bucket.Update(ctx, keyState, text, q.revision)
		if err == nil {
			before := q.state.Acked
			if q.state, q.revision = next, revision; next.Acked > before {
				return q.purge(ctx, next.Acked)
			}
			return nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) || try == maxTries {
			return q.named("writing to bucket "+q.o.bucket(), err)
		}
		if err := q.load(ctx); err != nil {
			return err
		}
	}
}

// purge deletes the messages up to a number.
func (q *Queue) purge(ctx context.Context, upTo uint64) error {
	if upTo == 0 {
		return nil
	}
	if err := q.stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1)); err != nil {
		return q.named(fmt.Sprintf("deleting batches up to %d of stream %s", upTo, q.o.Stream), err)
	}
	return nil
}

// SetReaders implements [collector.Backlog].
func (q *Queue) SetReaders(ctx context.Context, names []string) error {
	if err := q.usable(ctx); err != nil {
		return err
	}
	names = slices.Concat(names, q.o.followed())
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(names) == len(q.state.Readers) && !slices.ContainsFunc(names, func(name string) bool { _, ok := q.state.Readers[name]; return !ok }) {
		return nil
	}
	return q.change(ctx, func(s *state) error {
		before := s.Readers
		s.Readers = make(map[string]uint64, len(names))
		for _, name := range names {
			acked, ok := before[name]
			if !ok {
				acked = s.Acked
			}
			s.Readers[name] = acked
		}
		s.release(q.head.Load())
		return nil
	})
}

// Ack implements [collector.Backlog].
func (q *Queue) Ack(ctx context.Context, reader string, upTo uint64) error {
	return q.ack(ctx, reader, upTo, true)
}

// ack is like Ack. If the reader was not seen, only its acknowledgement is noted.
func (q *Queue) ack(ctx context.Context, reader string, upTo uint64, seen bool) error {
	if err := q.usable(ctx); err != nil {
		return err
	}
	if err := q.reached(ctx, upTo); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	acked, ok := q.state.Readers[reader]
	if !ok {
		return fmt.Errorf("%w: %s", collector.ErrReader, reader)
	}
	if seen {
		q.seen[reader] = time.Now()
	}
	if upTo <= acked {
		return nil
	}
	return q.change(ctx, func(s *state) error {
		s.Readers[reader] = max(s.Readers[reader], upTo)
		s.release(q.head.Load())
		return nil
	})
}

// readers describes the readers, by name. The caller must hold mu.
func (q *Queue) readers() (all []collector.ReaderStats) {
	for _, name := range slices.Sorted(maps.Keys(q.state.Readers)) {
		all = append(all, collector.ReaderStats{Name: name, Acked: q.state.Readers[name], Seen: q.seen[name]})
	}
	return all
}

// oldestRead is how many of the oldest batches are looked at together.
const oldestRead = 1000

// Maintain implements [collector.Backlog].
func (q *Queue) Maintain(ctx context.Context) error {
	if err := q.usable(ctx); err != nil {
		return err
	}
	if err := q.follow(ctx); err != nil {
		return err
	}
	for q.ages.Settled() {
		last, count, err := q.tooOld(ctx)
		if err != nil || count == 0 {
			return err
		}
		q.mu.Lock()
		err = q.change(ctx, func(s *state) error {
			s.Acked, s.Dropped = max(s.Acked, last), s.Dropped+count
			return nil
		})
		q.mu.Unlock()
		if err != nil {
			return err
		}
		q.o.Logger.Warn("dropped batches that not all detectors have taken in time", "batches", count, "max_age", q.o.MaxAge)
	}
	return nil
}

// tooOld returns the number of the last of the oldest batches that are all too old, and how many
// they are. A batch from far in the future, because of a clock that was wrong, is too old as well.
func (q *Queue) tooOld(ctx context.Context) (last, count uint64, err error) {
	oldest, err := q.Read(ctx, 0, oldestRead)
	if err != nil {
		return 0, 0, err
	}
	for n := range oldest {
		if time.Since(time.UnixMilli(oldest[n].Received)).Abs() <= q.o.MaxAge {
			break
		}
		last, count = oldest[n].Seq, count+1
	}
	return last, count, nil
}
