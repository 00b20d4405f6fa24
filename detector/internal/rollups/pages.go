package rollups

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// Schema creates the table of pages. AUTOINCREMENT, since numbers are never used again.
const Schema = `
CREATE TABLE unjudged (
	number  INTEGER PRIMARY KEY AUTOINCREMENT,
	arrived INTEGER NOT NULL,
	rows    BLOB NOT NULL -- detector.EncodeRows
) STRICT;`

// Pages are the pages of rows that wait to be judged, in the table that [Schema] creates. It has
// the methods of detector.Events about them. It is safe for concurrent use.
type Pages struct {
	reader *sql.DB
	write  func(ctx context.Context, doing string, do func(tx *sql.Tx) error) error
	add    func(tx *sql.Tx, cells []detector.RollupCell) error

	judging sync.Mutex // held by Judged, so that no page is added to the rollups twice
}

// NewPages returns the pages of a file that reader reads. write runs do in one durable transaction,
// and its error says what was being done. add adds cells of minutes to the stored rollups.
func NewPages(reader *sql.DB, write func(ctx context.Context, doing string, do func(tx *sql.Tx) error) error, add func(tx *sql.Tx, cells []detector.RollupCell) error) *Pages {
	return &Pages{reader: reader, write: write, add: add}
}

// Keep stores the rows of batches as a page, if there are any.
func Keep(tx *sql.Tx, batches []*detector.Batch) error {
	rows := detector.EncodeRows(nil, batches)
	if len(rows) == 0 {
		return nil
	}
	arrived := batches[0].Received
	for _, b := range batches {
		if b.Received.Before(arrived) {
			arrived = b.Received
		}
	}
	_, err := tx.Exec("INSERT INTO unjudged (arrived, rows) VALUES (?, ?)", arrived.UnixMilli(), rows)
	return err
}

// Unjudged implements detector.Events.
func (p *Pages) Unjudged(ctx context.Context, after uint64) (pages []detector.RowPage, last uint64, err error) {
	const doing = "reading what is to be judged"
	pages, err = sqlitedb.List(ctx, p.reader, doing, "SELECT number, arrived FROM unjudged WHERE number > ? ORDER BY number", []any{number(after)},
		func(rows *sql.Rows) (page detector.RowPage, err error) {
			var number, arrived int64
			err = rows.Scan(&number, &arrived)
			return detector.RowPage{Number: uint64(number), Arrived: time.UnixMilli(arrived)}, err
		})
	if err != nil {
		return nil, 0, err
	}
	if len(pages) > 0 {
		return pages, pages[len(pages)-1].Number, nil
	}
	var highest int64
	if err := p.reader.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'unjudged'").Scan(&highest); err != nil {
		return nil, 0, sqlitedb.Doing(doing, err)
	}
	return nil, uint64(highest), nil
}

// number returns a page's number as SQLite can compare it.
func number(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// Rows implements detector.Events.
func (p *Pages) Rows(ctx context.Context, page uint64) (rows []byte, err error) {
	err = p.reader.QueryRowContext(ctx, "SELECT rows FROM unjudged WHERE number = ?", number(page)).Scan(&rows)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, sqlitedb.Doing("reading rows to be judged", err)
	}
	return rows, nil
}

// rolledAtOnce is about how many bytes of encoded rows one transaction adds to the rollups.
const rolledAtOnce = 16 << 20

// Judged implements detector.Events. The rows are read and summed before the transaction, since
// only one caller deletes them.
func (p *Pages) Judged(ctx context.Context, upTo uint64) error {
	p.judging.Lock()
	defer p.judging.Unlock()
	for {
		rows, last, err := p.upTo(ctx, upTo)
		if err != nil || last == 0 {
			return err
		}
		cells := detector.RollUp(rows)
		if err := p.write(ctx, "adding to the rollups", func(tx *sql.Tx) error {
			if err := p.add(tx, cells); err != nil {
				return err
			}
			_, err := tx.Exec("DELETE FROM unjudged WHERE number <= ?", number(last))
			return err
		}); err != nil {
			return err
		}
	}
}

// errEnough ends a query that has read enough.
var errEnough = errors.New("enough")

// upTo returns the rows of the first pages up to one, and the last page that it has read; 0 if
// there is none. Rows that are damaged are left out, since the judge has said so.
func (p *Pages) upTo(ctx context.Context, page uint64) (all []judgement.Row, last uint64, err error) {
	read := 0
	err = sqlitedb.Each(ctx, p.reader, "reading what was judged", "SELECT number, rows FROM unjudged WHERE number <= ? ORDER BY number", []any{number(page)},
		func(rows *sql.Rows) error {
			var number int64
			var text sql.RawBytes
			if err := rows.Scan(&number, &text); err != nil {
				return err
			}
			if decoded, err := detector.DecodeRows(text); err == nil {
				all = append(all, decoded...)
			}
			if last, read = uint64(number), read+len(text); read > rolledAtOnce {
				return errEnough
			}
			return nil
		})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return all, last, err
}
