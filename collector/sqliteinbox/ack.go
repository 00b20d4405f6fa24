package sqliteinbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// ackRows is how many batches or ids one transaction deletes, so that commits get their turn.
const ackRows = 2000

// Ack implements collector.Inbox.
func (i *Inbox) Ack(ctx context.Context, reader string, upTo uint64) error {
	_, head, err := i.ends(ctx)
	if err != nil {
		return i.named("acknowledging in inbox", err)
	}
	if upTo > head {
		return fmt.Errorf("acknowledging in inbox: %w: %d, the newest is %d", collector.ErrCursor, upTo, head)
	}
	moves, err := i.note(reader, upTo)
	if err != nil {
		return err
	}
	if moves {
		err = i.writeInPortions(ctx, func(tx *sql.Tx, bytes int64) error {
			if err := move(tx, reader, upTo); err != nil {
				return err
			}
			return releaseAcked(tx, bytes)
		}, func() { i.moved(reader, upTo) })
	}
	if err == nil {
		err = i.releaseAll(ctx)
	}
	if err == nil {
		err = i.trim(ctx)
	}
	return i.named("acknowledging in inbox", err)
}

// releaseAll frees the batches that all readers have acknowledged, in as many transactions
// as necessary.
func (i *Inbox) releaseAll(ctx context.Context) error {
	for {
		var left bool
		if err := i.readers.QueryRowContext(ctx, "SELECT coalesce((SELECT min(acked) FROM readers), 0) > acked FROM state").Scan(&left); err != nil || !left {
			return err
		}
		if err := i.writeInPortions(ctx, releaseAcked, nil); err != nil {
			return err
		}
	}
}

// releaseAcked frees the first batches that all readers have acknowledged. It reads the cursors
// within the transaction, because a new reader must still get all batches.
func releaseAcked(tx *sql.Tx, bytes int64) error {
	var all int64
	if err := tx.QueryRow("SELECT coalesce(min(acked), 0) FROM readers").Scan(&all); err != nil {
		return err
	}
	return release(tx, all, bytes, false)
}

// dropAll frees all batches up to a seq, although not all readers have them.
func (i *Inbox) dropAll(ctx context.Context, upTo int64) error {
	for {
		acked, _, err := i.ends(ctx)
		if err != nil || upTo <= int64(acked) {
			return err
		}
		if err := i.writeInPortions(ctx, func(tx *sql.Tx, bytes int64) error { return release(tx, upTo, bytes, true) }, nil); err != nil {
			return err
		}
	}
}

// leastPortion is how many bytes of the log one transaction may use if the disk is nearly full.
const leastPortion = 32 << 10

// writeInPortions is like write, for transactions that make room. f frees batches, and its argument
// is by how many bytes the log may grow. If the disk is full, writeInPortions gives up the reserve
// and calls f with less and less.
func (i *Inbox) writeInPortions(ctx context.Context, f func(tx *sql.Tx, bytes int64) error, done func()) error {
	bytes := i.disk.logPages() * pageSize / 2
	for {
		err := i.write(ctx, func(tx *sql.Tx) error { return f(tx, bytes) }, done)
		if err == nil && i.disk.spent() {
			i.shorten(ctx)
		}
		if err == nil || !sqlitedb.NoRoom(err) {
			return err
		}
		// the failed attempt has filled the log, and truncating the log may need room in the file
		spent := i.disk.spend()
		i.shorten(ctx)
		if bytes /= 4; bytes < leastPortion && !spent {
			return err
		}
	}
}

// shorten writes the write-ahead log into the file and truncates it, which frees its room. Errors
// do not matter, because it is tried again.
func (i *Inbox) shorten(ctx context.Context) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.writer != nil {
		_, _ = i.writer.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

// release frees the first batches up to a seq. If they are dropped, it counts them.
func release(tx *sql.Tx, upTo, bytes int64, dropped bool) error {
	to, err := portion(tx, upTo, bytes)
	if err != nil || to == 0 {
		return err
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

// portion returns the last seq, at most upTo, of the batches whose deletion uses about so many
// bytes of the log. It returns 0 if there is nothing to free.
func portion(tx *sql.Tx, upTo, bytes int64) (to int64, err error) {
	var acked int64
	if err := tx.QueryRow("SELECT acked FROM state").Scan(&acked); err != nil {
		return 0, err
	}
	if to = min(upTo, acked+ackRows); to <= acked {
		return 0, nil
	}
	rows, err := tx.Query("SELECT seq, min(length(segment), ?) FROM pending WHERE seq <= ? ORDER BY seq", pageSize, to)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	last := int64(0)
	for rows.Next() {
		var seq, size int64
		if err := rows.Scan(&seq, &size); err != nil {
			return 0, err
		}
		if bytes -= size + rowBytes + ackedBytes; bytes < 0 && last > 0 {
			return last, nil
		}
		last = seq
	}
	return to, rows.Err()
}

// Maintain implements collector.Inbox.
func (i *Inbox) Maintain(ctx context.Context) error {
	i.disk.keep()
	now, _ := i.o.clock()
	return i.maintain(ctx, now)
}

func (i *Inbox) maintain(ctx context.Context, now time.Time) error {
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
		upTo := last - i.o.MaxBytes/idsPart/ackedBytes // seqs have no gaps
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
		if _, err := tx.Exec("DELETE FROM ids WHERE key IN (SELECT "+sqlKey+" FROM acked WHERE seq <= ?)", last); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM acked WHERE seq <= ?", last)
		return err
	}, func() { i.ledger.forget(last) })
}

// old returns the last seq of the first rows in a table that are too old, at most ackRows of them,
// or 0 for none. A row that was received further in the future than age comes from a wrong clock.
// It must not keep the rows behind it for years.
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
