// Package sqliteledger is a [collector.Ledger] in one SQLite file, for a [collector.Queue] that is
// elsewhere. Start with [Open].
//
// Losing the file loses no batch. A batch that is sent again is then stored again, and the
// detector's store recognizes it by its id.
package sqliteledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/internal/wallclock"
)

// ErrSchema says that the file was written by a newer release of Heliograph or is not a ledger.
var ErrSchema = errors.New("not a ledger that this release can read")

const (
	applicationID    = 0x4847584c // "HGXL": marks the file as a ledger
	defaultMaxBytes  = 1 << 30
	defaultRetention = 7 * 24 * time.Hour
	minBytes         = 1 << 20
	// forgetRows is how many batches one transaction forgets.
	forgetRows = 10_000
	// rowBytes is how many bytes of the file a batch needs, rounded up. The file itself cannot tell
	// how many would fit: when old ids are forgotten, its pages keep gaps, which new ids fill.
	rowBytes = 128
)

// schema: a key is a batch's id and the beginning of its body's SHA-256.
const schema = `
CREATE TABLE batches (
	key      BLOB PRIMARY KEY,
	received INTEGER NOT NULL -- Unix ms
) STRICT, WITHOUT ROWID;
CREATE INDEX batches_received ON batches (received);
CREATE TABLE checked (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	at  INTEGER NOT NULL -- Unix ms of the last Check
) STRICT;
INSERT INTO checked VALUES (1, 0);`

// Options are the options of a [Ledger]. The zero value is valid.
type Options struct {
	// MaxBytes is about the greatest size of the file, in bytes, at least 1 MiB. The oldest of more
	// batches than fit are forgotten. 0 means 1 GiB, which has 8 million batches.
	MaxBytes int64
	// Retention is how long a batch is remembered after it was received. 0 means 7 days.
	Retention time.Duration
}

// Ledger is a [collector.Ledger] in one SQLite file. It is safe for concurrent use.
type Ledger struct {
	o    Options
	db   *sqlitedb.DB
	ages *wallclock.Ages // whether batches may be forgotten for their age
	rows atomic.Int64    // batches in the file
}

var _ collector.Ledger = (*Ledger)(nil)

// Open opens the ledger at path. If there is no file, Open creates one with mode 0600; its
// directory must exist. The error wraps [ErrSchema] or sqlitedb.ErrDamaged; a damaged ledger can be
// deleted.
func Open(path string, o Options) (*Ledger, error) {
	switch {
	case o.MaxBytes == 0:
		o.MaxBytes = defaultMaxBytes
	case o.MaxBytes < minBytes:
		return nil, fmt.Errorf("at most %d bytes are too few for a ledger, give at least %d", o.MaxBytes, minBytes)
	}
	switch {
	case o.Retention == 0:
		o.Retention = defaultRetention
	case o.Retention < 0:
		return nil, fmt.Errorf("a retention of %v is not positive", o.Retention)
	}
	db, err := sqlitedb.Open(context.Background(), path, sqlitedb.Options{
		Schema:   sqlitedb.Schema{ApplicationID: applicationID, Refused: ErrSchema, Create: schema, Created: 1},
		CacheKiB: 16 << 10, Statements: 16})
	if err != nil {
		return nil, fmt.Errorf("opening ledger: %w", err)
	}
	l := &Ledger{o: o, db: db}
	var rows int64
	var newest sql.NullInt64
	if err := db.Readers.QueryRow("SELECT (SELECT count(*) FROM batches), (SELECT max(received) FROM batches)").Scan(&rows, &newest); err != nil {
		return nil, errors.Join(named("reading ledger", err), db.Close())
	}
	l.rows.Store(rows)
	last := time.Time{}
	if newest.Valid {
		last = time.UnixMilli(newest.Int64)
	}
	l.ages = wallclock.NewAges(wallclock.System(), last)
	return l, nil
}

// bodyPart is how many bytes of a body's hash are in a key.
const bodyPart = 12

func key(e *collector.Entry) []byte {
	return append(bytes.Clone(e.Envelope.Batch[:]), e.Body[:bodyPart]...)
}

// Find implements [collector.Ledger].
func (l *Ledger) Find(ctx context.Context, entries []collector.Entry) ([]collector.Status, error) {
	statuses := make([]collector.Status, len(entries))
	conn, err := l.db.Readers.Conn(ctx)
	if err != nil {
		return nil, named("reading ledger", err)
	}
	defer conn.Close()
	find, err := conn.PrepareContext(ctx, "SELECT 1 FROM batches WHERE key = ?")
	if err != nil {
		return nil, named("reading ledger", err)
	}
	defer find.Close()
	for n := range entries {
		var one int
		switch err := find.QueryRow(key(&entries[n])).Scan(&one); {
		case errors.Is(err, sql.ErrNoRows):
			statuses[n] = collector.StatusNew
		case err != nil:
			return nil, named("reading ledger", err)
		default:
			statuses[n] = collector.StatusDuplicate
		}
	}
	return statuses, ctx.Err()
}

// Record implements [collector.Ledger].
func (l *Ledger) Record(ctx context.Context, entries []collector.Entry) error {
	type row struct {
		key      []byte
		received int64
	}
	rows := make([]row, len(entries))
	for n := range entries {
		rows[n] = row{key(&entries[n]), entries[n].Envelope.Received}
	}
	// neighbours share pages
	slices.SortFunc(rows, func(a, b row) int { return bytes.Compare(a.key, b.key) })
	added := int64(0)
	err := sqlitedb.Transact(ctx, l.db.Writer, func(tx *sql.Tx) error {
		insert, err := tx.Prepare("INSERT INTO batches VALUES (?, ?) ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, r := range rows {
			result, err := insert.Exec(r.key, r.received)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			added += n
		}
		return nil
	})
	if err == nil {
		l.rows.Add(added)
	}
	return named("writing ledger", err)
}

// Maintain implements [collector.Ledger].
func (l *Ledger) Maintain(ctx context.Context) error {
	if l.ages.Settled() {
		now := time.Now()
		from, to := now.Add(-l.o.Retention).UnixMilli(), now.Add(l.o.Retention).UnixMilli()
		// those of the future came with a wrong clock
		if err := l.forget(ctx, "received < ?1 OR received > ?2", from, to); err != nil {
			return named("forgetting batches of ledger", err)
		}
	}
	for over := l.rows.Load() - l.o.MaxBytes/rowBytes; over > 0; over -= forgetRows {
		if _, err := l.forgetSome(ctx, min(over, forgetRows), "true"); err != nil {
			return named("forgetting batches of ledger", err)
		}
	}
	return nil
}

// forget forgets all batches for which a condition holds.
func (l *Ledger) forget(ctx context.Context, which string, args ...any) error {
	for {
		n, err := l.forgetSome(ctx, forgetRows, which, args...)
		if err != nil || n < forgetRows {
			return err
		}
	}
}

// forgetSome forgets the oldest batches for which a condition holds, at most limit, and returns how
// many they are.
func (l *Ledger) forgetSome(ctx context.Context, limit int64, which string, args ...any) (n int64, err error) {
	err = sqlitedb.Transact(ctx, l.db.Writer, func(tx *sql.Tx) error {
		result, err := tx.Exec(fmt.Sprintf("DELETE FROM batches WHERE key IN (SELECT key FROM batches WHERE %s ORDER BY received LIMIT %d)", which, limit), args...)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	if err == nil {
		l.rows.Add(-n)
	}
	return n, err
}

// Check implements [collector.Ledger].
func (l *Ledger) Check(ctx context.Context) error {
	if err := l.db.Intact(); err != nil {
		return err
	}
	return named("writing ledger", sqlitedb.Transact(ctx, l.db.Writer, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE checked SET at = ?", time.Now().UnixMilli())
		return err
	}))
}

// Close implements [collector.Ledger].
func (l *Ledger) Close() error { return l.db.Close() }

// named adds to an error what was being done. It turns the driver's errors about missing room into
// [collector.ErrFull] and those about a damaged file into sqlitedb.ErrDamaged.
func named(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case sqlitedb.NoRoom(err):
		err = fmt.Errorf("%w: %w", collector.ErrFull, err)
	case sqlitedb.Damaged(err):
		err = fmt.Errorf("%w: %w; stop the collector and delete the file, no batch is lost by that", sqlitedb.ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
