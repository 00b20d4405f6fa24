package sqliteinbox

import (
	"context"
	"database/sql"
	"fmt"

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
