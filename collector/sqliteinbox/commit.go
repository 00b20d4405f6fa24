package sqliteinbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

const (
	rowBytes   = 256      // what a batch takes beside its segment, rounded up
	idBytes    = 48       // what an id takes in the tree, rounded up
	checkBytes = 64 << 10 // the room that Check asks for
)

// Commit implements collector.Inbox.
func (i *Inbox) Commit(ctx context.Context, entries []collector.Entry) ([]collector.Result, error) {
	results := make([]collector.Result, len(entries))
	added := make(map[report.BatchID]known, len(entries))
	var head int64
	var rest []report.BatchID
	err := i.write(ctx, func(tx *sql.Tx) (err error) {
		if head, err = i.current(tx); err != nil {
			return err
		}
		if err := i.room(tx, bytesOf(entries)); err != nil {
			return err
		}
		indexed, err := i.indexed(tx, entries)
		if err != nil {
			return err
		}
		insert := tx.Stmt(i.insert)
		for n := range entries {
			e := &entries[n]
			if results[n].Status, err = i.stored(tx, e, added, indexed); err != nil {
				return err
			} else if results[n].Status != 0 {
				continue
			}
			head++
			if err := store(insert, head, e); err != nil {
				return err
			}
			results[n] = collector.Result{Status: collector.StatusNew, Seq: uint64(head)}
			added[e.Envelope.Batch] = known{head, e.Body}
		}
		rest, err = i.index(tx, len(added))
		return err
	}, func() {
		if len(added) > 0 {
			i.announce()
		}
		i.committed(head, added, rest) // takes added over: another Commit may write to it from here on
	})
	if err != nil {
		return nil, named("committing to inbox", err)
	}
	return results, nil
}

// current returns the newest seq, and sees to it that the recent ids are those of the file.
func (i *Inbox) current(tx *sql.Tx) (head int64, err error) {
	if err := tx.Stmt(i.head).QueryRow().Scan(&head); err != nil {
		return 0, err
	}
	if head != i.recent.head {
		return head, i.recent.load(tx, head)
	}
	return head, nil
}

// selectHead is the newest seq ever given: what was acknowledged may be gone.
const selectHead = "SELECT max(acked, coalesce((SELECT max(seq) FROM pending), 0)) FROM state"

// stored compares an entry with what was stored under its id: before, in this group or earlier. 0 for a new id.
func (i *Inbox) stored(tx *sql.Tx, e *collector.Entry, added map[report.BatchID]known, indexed map[report.BatchID]int64) (collector.Status, error) {
	id := e.Envelope.Batch
	k, ok := added[id]
	if !ok {
		k, ok = i.recent.find(id)
	}
	if seq, inTree := indexed[id]; !ok && inTree {
		body, err := storedBody(tx, seq)
		if err != nil {
			return 0, err
		}
		k, ok = known{seq, body}, true
	}
	if !ok {
		return 0, nil
	}
	return k.against(e), nil
}

// store adds one entry as seq.
func store(insert *sql.Stmt, seq int64, e *collector.Entry) error {
	env := &e.Envelope
	delivery, err := report.AppendDelivery(nil, env.Delivery)
	if err != nil {
		return err
	}
	_, err = insert.Exec(seq, env.Received, env.Batch[:], e.Body[:], env.ASN, env.Country, env.Collector, delivery, env.Segment)
	return err
}

// room refuses what would make the file exceed MaxBytes. It measures only when a quarter of what was free the last time may be used up:
// what a batch really takes is known only roughly.
func (i *Inbox) room(tx *sql.Tx, more int64) error {
	i.budget -= more
	if i.budget > 0 {
		return nil
	}
	used, err := bytesUsed(tx)
	if err != nil {
		return err
	}
	used += int64(len(i.recent.fresh)+len(i.recent.order)) * idBytes
	if used+more > i.o.MaxBytes {
		return fmt.Errorf("%w: %d of %d bytes are in use; it empties as detectors acknowledge what they read",
			collector.ErrFull, used, i.o.MaxBytes)
	}
	i.budget = (i.o.MaxBytes - used - more) / 4
	return nil
}

type querier interface {
	QueryRow(query string, args ...any) *sql.Row
}

// bytesUsed leaves free pages out: they are used again.
func bytesUsed(q querier) (n int64, err error) {
	err = q.QueryRow(`SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&n)
	return n, err
}

func bytesOf(entries []collector.Entry) (n int64) {
	for i := range entries {
		n += rowBytes + int64(len(entries[i].Envelope.Segment))
	}
	return n
}

// Check implements collector.Inbox.
func (i *Inbox) Check(ctx context.Context) error {
	return named("checking inbox", i.write(ctx, func(tx *sql.Tx) error {
		if err := i.room(tx, checkBytes); err != nil {
			return err
		}
		_, err := tx.Exec("UPDATE state SET checked = ?", time.Now().UnixMilli())
		return err
	}, nil))
}
