package collector

import (
	"context"
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/report"
)

// Queue holds batches in order until their readers have taken them. It does not remember which ids
// it has had; see [Ledger] and [Join]. Implementations must be safe for concurrent use.
type Queue interface {
	// Append makes all entries durable, in their order. After an error, all, some or none of them
	// are durable. Append is called by one goroutine at a time and must not retain entries or their
	// slices. Its errors are those of [Inbox.Commit].
	Append(ctx context.Context, entries []Entry) error
	Backlog
}

// Ledger remembers which batch ids were stored and with which body, whether or not the batches are
// still held. It remembers an id for about a week after Envelope.Received. A batch that is sent
// again later is stored again. Implementations must be safe for concurrent use.
type Ledger interface {
	// Find looks up entries in the ledger. statuses[i] is the status of entries[i]. It changes
	// nothing and does not compare entries with each other.
	Find(ctx context.Context, entries []Entry) (statuses []Status, err error)
	// Record makes the ids and bodies of entries durable. A known id stays as it is. Its errors are
	// those of [Inbox.Commit].
	Record(ctx context.Context, entries []Entry) error
	// Maintain forgets old ids.
	Maintain(ctx context.Context) error
	// Check returns nil if Record would work now. Its errors are those of Record.
	Check(ctx context.Context) error
	// Close waits for running calls and releases the ledger. It is idempotent. All other calls
	// fail after it.
	Close() error
}

// Join makes an [Inbox] from a queue and a ledger that cannot share a transaction. It takes
// ownership of both. No other code may append to the queue.
//
// A commit writes to the queue first and then to the ledger. A batch counts as stored when it is in
// both. A crash between the two leaves a batch in the queue that was not acknowledged and whose id
// is not recorded. The agent sends it again, it is appended and read twice, and the detector's
// store recognizes the second by its id. In the other order, the ledger would need two writes for
// each commit, because an id would be pending until its batch is in the queue. After a crash, it
// would be unclear whether pending ids have their batch.
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

// compareAmong returns the entries to store. It corrects the statuses of entries with the same id
// as an earlier one.
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
