package sqliteinbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

// ackRows is how many batches one transaction frees, or ids it forgets, so that commits get
// their turn.
const ackRows = 2000

// Ack implements collector.Inbox.
func (i *Inbox) Ack(ctx context.Context, reader string, upTo uint64) error {
	_, head, err := i.ends(ctx)
	if err != nil {
		return named("acknowledging in inbox", err)
	}
	if upTo > head {
		return fmt.Errorf("acknowledging in inbox: %w: %d, the newest is %d", collector.ErrCursor, upTo, head)
	}
	all, moves, err := i.note(reader, upTo)
	if err != nil {
		return err
	}
	if moves {
		err = i.write(ctx, func(tx *sql.Tx) error {
			if err := move(tx, reader, upTo); err != nil {
				return err
			}
			return release(tx, all, false)
		}, func() { i.moved(reader, upTo) })
	}
	if err == nil {
		err = i.releaseAll(ctx, all, false)
	}
	if err == nil {
		err = i.trim(ctx)
	}
	return named("acknowledging in inbox", err)
}

// releaseAll frees everything up to a seq, in as many transactions as it takes.
func (i *Inbox) releaseAll(ctx context.Context, upTo uint64, dropped bool) error {
	for {
		acked, _, err := i.ends(ctx)
		if err != nil || upTo <= acked {
			return err
		}
		if err := i.write(ctx, func(tx *sql.Tx) error { return release(tx, upTo, dropped) }, nil); err != nil {
			return err
		}
	}
}

// release frees the first ackRows batches up to a seq, and counts them when they are dropped.
func release(tx *sql.Tx, upTo uint64, dropped bool) error {
	var acked int64
	if err := tx.QueryRow("SELECT acked FROM state").Scan(&acked); err != nil {
		return err
	}
	to := min(int64(upTo), acked+ackRows)
	if to <= acked {
		return nil
	}
	if dropped {
		if _, err := tx.Exec("UPDATE state SET dropped = dropped + (SELECT count(*) FROM pending WHERE seq <= ?)", to); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"INSERT INTO acked SELECT seq, received, batch, body FROM pending WHERE seq <= ?",
		"DELETE FROM pending WHERE seq <= ?",
		"UPDATE state SET acked = ?",
	} {
		if _, err := tx.Exec(statement, to); err != nil {
			return err
		}
	}
	return nil
}

// Maintain implements collector.Inbox.
func (i *Inbox) Maintain(ctx context.Context) error { return i.maintain(ctx, time.Now()) }

func (i *Inbox) maintain(ctx context.Context, now time.Time) error {
	if err := i.sweep(ctx, "pending", now, i.o.MaxAge, func(last int64) error { return i.releaseAll(ctx, uint64(last), true) }); err != nil {
		return named("dropping old batches of inbox", err)
	}
	if err := i.sweep(ctx, "acked", now, i.o.Retention, func(last int64) error { return i.forget(ctx, last) }); err != nil {
		return named("forgetting old ids of inbox", err)
	}
	return named("forgetting ids of inbox", i.trim(ctx))
}

// idsPart is the part of MaxBytes that ids of acknowledged batches may take: so they can never fill
// the inbox by themselves.
const idsPart = 4

// ackedBytes is what the id of an acknowledged batch takes, in the tree and beside it, rounded up.
const ackedBytes = 128

// trim forgets the oldest ids of acknowledged batches when there are too many. Whoever sends such a
// batch again has stored it anew, and the detector's store drops it by its id.
func (i *Inbox) trim(ctx context.Context) error {
	for {
		var first, last int64
		err := i.readers.QueryRowContext(ctx, "SELECT coalesce((SELECT min(seq) FROM acked), 0), coalesce((SELECT max(seq) FROM acked), 0)").Scan(&first, &last)
		if err != nil {
			return err
		}
		upTo := last - i.o.MaxBytes/idsPart/ackedBytes // seqs have no gaps
		if first == 0 || upTo < first {
			return nil
		}
		if err := i.forget(ctx, min(upTo, first+ackRows)); err != nil {
			return err
		}
	}
}

// sweep calls drop with the last seq of those that a table has had for longer than age, until
// none are left.
func (i *Inbox) sweep(ctx context.Context, table string, now time.Time, age time.Duration, drop func(last int64) error) error {
	for {
		last, err := i.old(ctx, table, now, age)
		if err != nil || last == 0 {
			return err
		}
		if err := drop(last); err != nil {
			return err
		}
	}
}

// forget forgets the ids of acknowledged batches.
func (i *Inbox) forget(ctx context.Context, last int64) error {
	return i.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("DELETE FROM ids WHERE batch IN (SELECT batch FROM acked WHERE seq <= ?)", last); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM acked WHERE seq <= ?", last)
		return err
	}, func() { i.ledger.forget(last) })
}

// old finds the first ones of a table, up to the first that is to stay, at most ackRows; 0 for
// none. A receipt further in the future than age is that of a clock that was wrong then: it must
// not keep everything behind it for years.
func (i *Inbox) old(ctx context.Context, table string, now time.Time, age time.Duration) (last int64, err error) {
	rows, err := i.readers.QueryContext(ctx, "SELECT seq, received FROM "+table+" ORDER BY seq LIMIT ?", ackRows)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, received int64
		if err := rows.Scan(&seq, &received); err != nil {
			return 0, err
		}
		if now.Sub(time.UnixMilli(received)).Abs() <= age {
			break
		}
		last = seq
	}
	return last, rows.Err()
}
