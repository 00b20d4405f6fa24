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

// Ledger remembers which batches were stored, by id and body, whether or not they are still held.
// It remembers a batch for about a week after Envelope.Received. A batch that is sent again later
// is stored again. Implementations must be safe for concurrent use.
type Ledger interface {
	// Find looks up entries in the ledger. statuses[i] is the status of entries[i]. It changes
	// nothing and does not compare entries with each other.
	Find(ctx context.Context, entries []Entry) (statuses []Status, err error)
	// Record makes the ids and bodies of entries durable. A known batch stays as it is. Its errors
	// are those of [Inbox.Commit].
	Record(ctx context.Context, entries []Entry) error
	// Maintain forgets old batches.
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
// both. A crash between the two leaves a batch in the queue that was not acknowledged and is not
// recorded. The agent sends it again, it is appended and read twice, and the detector's
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
		return nil, fmt.Errorf("looking up batches: %w", err)
	}
	added := compareAmong(entries, statuses)
	if len(added) == 0 {
		return statuses, nil
	}
	if err := j.Queue.Append(ctx, added); err != nil {
		return nil, fmt.Errorf("appending to the queue: %w", err)
	}
	if err := j.ledger.Record(ctx, added); err != nil {
		return nil, fmt.Errorf("recording batches: %w", err)
	}
	return statuses, nil
}

// compareAmong returns the entries to store. It corrects the statuses of entries with the same id
// and body as an earlier one.
func compareAmong(entries []Entry, statuses []Status) (added []Entry) {
	type batch struct {
		id   report.BatchID
		body [32]byte
	}
	known := make(map[batch]bool)
	for i := range entries {
		if statuses[i] != StatusNew {
			continue
		}
		b := batch{entries[i].Envelope.Batch, entries[i].Body}
		if known[b] {
			statuses[i] = StatusDuplicate
			continue
		}
		known[b] = true
		added = append(added, entries[i])
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
