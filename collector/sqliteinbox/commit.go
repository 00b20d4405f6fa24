package sqliteinbox

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

const (
	rowBytes   = 256      // what a batch takes beside its segment, rounded up
	checkBytes = 64 << 10 // the room that Check asks for
)

// Commit implements collector.Inbox: the queue and the ledger have one transaction.
func (i *Inbox) Commit(ctx context.Context, entries []collector.Entry) ([]collector.Status, error) {
	statuses := make([]collector.Status, len(entries))
	added := make(map[report.BatchID]known, len(entries))
	var head int64
	var rest []report.BatchID
	err := i.writeDirect(ctx, func() (err error) {
		if head, err = i.ledger.refresh(); err != nil {
			return err
		}
		if err := i.room(bytesOf(entries)); err != nil {
			return err
		}
		if head, err = i.add(entries, statuses, added, head); err != nil {
			return err
		}
		rest, err = i.ledger.index(len(added))
		return err
	}, func() {
		if len(added) > 0 {
			i.announce()
		}
		// takes added over: another Commit may write to it from here on
		i.ledger.committed(head, added, rest)
	})
	if err != nil {
		return nil, named("committing to inbox", err)
	}
	return statuses, nil
}

// add queues those entries whose ids are new behind head, says in statuses what became of each, and
// returns the new head.
func (i *Inbox) add(entries []collector.Entry, statuses []collector.Status, added map[report.BatchID]known, head int64) (int64, error) {
	inTree, err := i.ledger.indexed(entries)
	if err != nil {
		return 0, err
	}
	rows := inserter{direct: &i.direct}
	for n := range entries {
		e := &entries[n]
		if statuses[n], err = i.ledger.status(e, added, inTree); err != nil {
			return 0, err
		} else if statuses[n] != collector.StatusNew {
			continue
		}
		head++
		if err := rows.add(head, e); err != nil {
			return 0, err
		}
		added[e.Envelope.Batch] = known{head, e.Body}
	}
	return head, rows.flush()
}

// selectHead is the newest seq ever given: what was acknowledged may be gone.
const selectHead = "SELECT max(acked, coalesce((SELECT max(seq) FROM pending), 0)) FROM state"

// room refuses what would make the file exceed MaxBytes. It measures only when a quarter of what
// was free the last time may be used up: what a batch really takes is known only roughly.
func (i *Inbox) room(more int64) error {
	i.budget -= more
	if i.budget > 0 {
		return nil
	}
	used, err := i.direct.used.one()
	if err != nil {
		return err
	}
	used += i.ledger.unwritten()
	if used+more > i.o.MaxBytes {
		return fmt.Errorf("%w: %d of %d bytes are in use; it empties as detectors acknowledge what they read",
			collector.ErrFull, used, i.o.MaxBytes)
	}
	i.budget = (i.o.MaxBytes - used - more) / 4
	return nil
}

// selectUsed is the bytes in use. Free pages are left out: they are used again.
const selectUsed = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"

func bytesOf(entries []collector.Entry) (n int64) {
	for i := range entries {
		n += rowBytes + int64(len(entries[i].Envelope.Segment))
	}
	return n
}

// Check implements collector.Inbox.
func (i *Inbox) Check(ctx context.Context) error {
	return named("checking inbox", i.writeDirect(ctx, func() error {
		if err := i.room(checkBytes); err != nil {
			return err
		}
		i.direct.checked.set(0, time.Now().UnixMilli())
		return i.direct.checked.run(nil)
	}, nil))
}
