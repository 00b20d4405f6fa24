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
	checkBytes = 64 << 10 // the room that Check asks for
)

// Commit implements collector.Inbox.
func (i *Inbox) Commit(ctx context.Context, entries []collector.Entry) ([]collector.Result, error) {
	results := make([]collector.Result, len(entries))
	stored := false
	err := i.write(ctx, func(tx *sql.Tx) error {
		if err := i.room(tx, bytesOf(entries)); err != nil {
			return err
		}
		var head int64
		if err := tx.QueryRow(selectHead).Scan(&head); err != nil {
			return err
		}
		insertID, insert := tx.Stmt(i.insertID), tx.Stmt(i.insert)
		for n := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			status, err := store(tx, insertID, insert, head+1, &entries[n])
			if err != nil {
				return err
			}
			results[n].Status = status
			if status == collector.StatusNew {
				head++
				results[n].Seq = uint64(head)
				stored = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, named("committing to inbox", err)
	}
	if stored {
		i.announce()
	}
	return results, nil
}

// selectHead is the newest seq ever given: what was acknowledged may be gone.
const selectHead = "SELECT max(acked, coalesce((SELECT max(seq) FROM pending), 0)) FROM state"

// store adds one entry as seq, unless its id is known.
func store(tx *sql.Tx, insertID, insert *sql.Stmt, seq int64, e *collector.Entry) (collector.Status, error) {
	env := &e.Envelope
	r, err := insertID.Exec(env.Batch[:], seq)
	if err != nil {
		return 0, err
	}
	if added, err := r.RowsAffected(); err != nil {
		return 0, err
	} else if added == 0 {
		return known(tx, e)
	}
	delivery, err := report.AppendDelivery(nil, env.Delivery)
	if err != nil {
		return 0, err
	}
	_, err = insert.Exec(seq, env.Received, env.Batch[:], e.Body[:], env.ASN, env.Country, env.Collector, delivery, env.Segment)
	return collector.StatusNew, err
}

// known compares an entry whose id was stored before with what was stored.
func known(tx *sql.Tx, e *collector.Entry) (collector.Status, error) {
	var body []byte
	err := tx.QueryRow(`SELECT coalesce((SELECT body FROM pending WHERE seq = ids.seq), (SELECT body FROM acked WHERE seq = ids.seq))
		FROM ids WHERE batch = ?`, e.Envelope.Batch[:]).Scan(&body)
	switch {
	case err != nil:
		return 0, err
	case string(body) == string(e.Body[:]):
		return collector.StatusDuplicate, nil
	}
	return collector.StatusConflict, nil
}

// room refuses what would make the file exceed MaxBytes.
func (i *Inbox) room(tx *sql.Tx, more int64) error {
	used, err := bytesUsed(tx)
	if err != nil {
		return err
	}
	if used+more > i.o.MaxBytes {
		return fmt.Errorf("%w: %d of %d bytes are in use; it empties as detectors acknowledge what they read",
			collector.ErrFull, used, i.o.MaxBytes)
	}
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
	}))
}
