package collector

import (
	"context"
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/report"
)

// Queue keeps batches in order until their readers have taken them. It does not know which ids it
// has had: see [Ledger] and [Join]. Implementations are safe for concurrent use.
type Queue interface {
	// Append makes all entries durable, in their order. After an error all, some or none of them
	// are. It is called by one goroutine at a time and does not keep entries or their slices.
	// Errors: as Inbox.Commit.
	Append(ctx context.Context, entries []Entry) error
	Backlog
}

// Ledger remembers which batch ids were stored, and with which body, whether or not the batches are
// still held. It remembers an id for a time, a week or so, counted from Envelope.Received; who
// sends a batch again later than that has stored it anew. Implementations are safe for
// concurrent use.
type Ledger interface {
	// Find compares entries with what is recorded: statuses[i] is that of entries[i]. It changes
	// nothing, and does not compare entries with each other.
	Find(ctx context.Context, entries []Entry) (statuses []Status, err error)
	// Record makes the ids and bodies of entries durable. An id that is known stays as it is.
	// Errors: as Inbox.Commit.
	Record(ctx context.Context, entries []Entry) error
	// Maintain forgets old ids.
	Maintain(ctx context.Context) error
	// Check says whether Record would work now. Errors: as Record.
	Check(ctx context.Context) error
	// Close waits for running calls and releases the ledger. It is idempotent; other calls fail
	// after it.
	Close() error
}

// Join makes an [Inbox] of a queue and a ledger that have no transaction in common. It owns both,
// and nobody else may append to the queue.
//
// The queue comes first and the ledger after it, and a batch is stored only when it is in both.
// What a crash between the two leaves is a batch in the queue that nobody was told of and whose id
// is not known: it is sent again, appended again and read twice, and the detector's store drops the
// second by its id. The other order, with an id that is pending until its batch is in the queue,
// would write to the ledger twice for every commit, and a crash would leave ids that may or may not
// have their batch.
func Join(q Queue, l Ledger) Inbox { return &joined{q, l} }

// joined implements Inbox.
type joined struct {
	Queue
	ledger Ledger
}

func (j *joined) Commit(ctx context.Context, entries []Entry) ([]Status, error) {
	statuses, err := j.ledger.Find(ctx, entries)
	if err != nil {
		return nil, fmt.Errorf("looking up ids: %w", err)
	}
	added := compareAmong(entries, statuses)
	if len(added) == 0 {
		return statuses, nil
	}
	if err := j.Queue.Append(ctx, added); err != nil {
		return nil, fmt.Errorf("appending to the queue: %w", err)
	}
	if err := j.ledger.Record(ctx, added); err != nil {
		return nil, fmt.Errorf("recording ids: %w", err)
	}
	return statuses, nil
}

// compareAmong returns the entries to store, and corrects the statuses of those whose id another
// one before them has.
func compareAmong(entries []Entry, statuses []Status) (added []Entry) {
	bodies := make(map[report.BatchID][32]byte)
	for i := range entries {
		if statuses[i] != StatusNew {
			continue
		}
		id := entries[i].Envelope.Batch
		switch body, known := bodies[id]; {
		case !known:
			bodies[id] = entries[i].Body
			added = append(added, entries[i])
		case body == entries[i].Body:
			statuses[i] = StatusDuplicate
		default:
			statuses[i] = StatusConflict
		}
	}
	return added
}

func (j *joined) Maintain(ctx context.Context) error {
	return errors.Join(j.Queue.Maintain(ctx), j.ledger.Maintain(ctx))
}

func (j *joined) Check(ctx context.Context) error {
	if err := j.Queue.Check(ctx); err != nil {
		return err
	}
	return j.ledger.Check(ctx)
}

func (j *joined) Close() error { return errors.Join(j.Queue.Close(), j.ledger.Close()) }
