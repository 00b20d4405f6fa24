package sqliteinbox

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"time"
)

// Maintain implements collector.Inbox.
func (i *Inbox) Maintain(ctx context.Context) error {
	i.disk.keep()
	now, _ := i.o.clock()
	return i.maintain(ctx, now)
}

func (i *Inbox) maintain(ctx context.Context, now time.Time) error {
	if err := i.refilter(ctx); err != nil {
		return i.named("reading ids of inbox", err)
	}
	if !i.ages.Settled() {
		return i.named("forgetting ids of inbox", i.trim(ctx))
	}
	if err := i.sweep(ctx, "pending", now, i.o.MaxAge, func(last int64) error { return i.dropAll(ctx, last) }); err != nil {
		return i.named("dropping old batches of inbox", err)
	}
	if err := i.sweep(ctx, "acked", now, i.o.Retention, func(last int64) error { return i.forget(ctx, last) }); err != nil {
		return i.named("forgetting old ids of inbox", err)
	}
	return i.named("forgetting ids of inbox", i.trim(ctx))
}

// idsPart is the divisor of MaxBytes that limits the ids of acknowledged batches, so that they
// alone cannot fill the inbox.
const idsPart = 4

// ackedBytes is how many bytes the id of an acknowledged batch needs, in the tree and elsewhere,
// rounded up.
const ackedBytes = 128

// trim forgets the oldest ids of acknowledged batches if there are too many. If such a batch is
// sent again, it is stored again, and the detector's store recognizes it by its id.
func (i *Inbox) trim(ctx context.Context) error {
	for {
		var first, last int64
		err := i.readers.QueryRowContext(ctx, "SELECT coalesce((SELECT min(seq) FROM acked), 0), coalesce((SELECT max(seq) FROM acked), 0)").Scan(&first, &last)
		if err != nil {
			return err
		}
		upTo := last - i.o.rememberable() // seqs have no gaps
		if first == 0 || upTo < first {
			return nil
		}
		if err := i.forget(ctx, min(upTo, first+ackRows)); err != nil {
			return err
		}
	}
}

// sweep calls drop with the last seq of rows in a table that are older than age, until
// there are none.
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
	return i.writeInPortions(ctx, func(tx *sql.Tx, _ int64) error {
		if err := eachKey(tx, "acked WHERE seq <= "+strconv.FormatInt(last, 10), "DELETE FROM ids WHERE key = ?1 AND seq <= ?2"); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM acked WHERE seq <= ?", last)
		return err
	}, func() { i.ledger.forget(last) })
}

// eachKey runs a statement with each key and its seq, in the order of the keys, for some rows of
// pending or acked.
func eachKey(tx *sql.Tx, rowsOf, statement string) error {
	var all []numbered
	rows, err := tx.Query("SELECT seq, batch, body FROM " + rowsOf)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var batch, body sql.RawBytes
		if err := rows.Scan(&seq, &batch, &body); err != nil {
			return err
		}
		keys := splitKeys(batch, body)
		for n, k := range keys {
			all = append(all, numbered{k, seq - int64(len(keys)-1-n)})
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	slices.SortFunc(all, byKey)
	prepared, err := tx.Prepare(statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	for _, n := range all {
		if _, err := prepared.Exec(n.key[:], n.seq); err != nil {
			return err
		}
	}
	return nil
}

// old returns the last seq of the first rows in a table that are too old, of about ackRows batches
// at most, or 0 for none. A row that was received further in the future than age comes from a wrong
// clock. It must not keep the rows behind it for years.
func (i *Inbox) old(ctx context.Context, table string, now time.Time, age time.Duration) (last int64, err error) {
	rows, err := i.readers.QueryContext(ctx, "SELECT seq, received, "+sqlBatches+" FROM "+table+" ORDER BY seq LIMIT ?", ackRows)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for left := int64(ackRows); left > 0 && rows.Next(); {
		var seq, received, batches int64
		if err := rows.Scan(&seq, &received, &batches); err != nil {
			return 0, err
		}
		if now.Sub(time.UnixMilli(received)).Abs() <= age {
			break
		}
		last, left = seq, left-batches
	}
	return last, rows.Err()
}
