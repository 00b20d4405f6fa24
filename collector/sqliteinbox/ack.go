package sqliteinbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

const (
	ackRows    = 2000        // batches freed in one transaction, so that commits get their turn
	pruneRows  = 2 * ackRows // ids forgotten at a time: faster than they are acknowledged
	pruneEvery = time.Minute // when there was nothing left to forget
)

// Ack implements collector.Inbox.
func (i *Inbox) Ack(ctx context.Context, upTo uint64) error {
	for {
		done, err := i.ackSome(ctx, upTo)
		if err != nil {
			return named("acknowledging in inbox", err)
		}
		if done {
			break
		}
	}
	return named("forgetting old ids of inbox", i.prune(ctx, time.Now()))
}

// ackSome frees at most ackRows batches and says whether none is left.
func (i *Inbox) ackSome(ctx context.Context, upTo uint64) (done bool, err error) {
	acked, head, err := i.cursors(ctx)
	if err != nil {
		return false, err
	}
	if upTo > head {
		return false, fmt.Errorf("%w: %d, the newest is %d", collector.ErrCursor, upTo, head)
	}
	if upTo <= acked {
		return true, nil
	}
	to := min(upTo, acked+ackRows)
	err = i.write(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			"INSERT INTO acked SELECT seq, received, batch, body FROM pending WHERE seq <= ?",
			"DELETE FROM pending WHERE seq <= ?",
			"UPDATE state SET acked = max(acked, ?)",
		} {
			if _, err := tx.Exec(statement, int64(to)); err != nil {
				return err
			}
		}
		return nil
	})
	return to == upTo, err
}

// prune forgets ids that were acknowledged and received longer ago than Retention.
func (i *Inbox) prune(ctx context.Context, now time.Time) error {
	if !i.pruneDue(now) {
		return nil
	}
	last, n, err := i.old(ctx, now)
	if err != nil {
		return err
	}
	if n > 0 {
		err = i.write(ctx, func(tx *sql.Tx) error {
			if _, err := tx.Exec("DELETE FROM ids WHERE batch IN (SELECT batch FROM acked WHERE seq <= ?)", last); err != nil {
				return err
			}
			_, err := tx.Exec("DELETE FROM acked WHERE seq <= ?", last)
			return err
		})
	}
	if err == nil && n < pruneRows {
		i.mu.Lock()
		i.nextPrune = now.Add(pruneEvery)
		i.mu.Unlock()
	}
	return err
}

// old finds the ids to forget: the first ones, up to the first that is to stay, at most pruneRows. A receipt further in the future than
// Retention is that of a clock that was wrong then: it must not keep everything behind it for years.
func (i *Inbox) old(ctx context.Context, now time.Time) (last int64, n int, err error) {
	rows, err := i.readers.QueryContext(ctx, "SELECT seq, received FROM acked ORDER BY seq LIMIT ?", pruneRows)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, received int64
		if err := rows.Scan(&seq, &received); err != nil {
			return 0, 0, err
		}
		if now.Sub(time.UnixMilli(received)).Abs() <= i.o.Retention {
			break
		}
		last = seq
		n++
	}
	return last, n, rows.Err()
}

func (i *Inbox) pruneDue(now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !now.Before(i.nextPrune)
}
