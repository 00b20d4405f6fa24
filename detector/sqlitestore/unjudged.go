package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
)

// version13 keeps rows until they are judged, and what the judgement goes on from. Numbers of pages
// are never used again.
const version13 = `
CREATE TABLE unjudged (
	number  INTEGER PRIMARY KEY AUTOINCREMENT,
	arrived INTEGER NOT NULL,
	rows    BLOB NOT NULL -- detector.EncodeRows
) STRICT;
ALTER TABLE state ADD COLUMN judgement BLOB NOT NULL DEFAULT x'';`

// keepRows stores the rows of batches that are new.
func keepRows(tx *sql.Tx, batches []*detector.Batch) error {
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
func (s *Events) Unjudged(ctx context.Context, after uint64) (pages []detector.RowPage, last uint64, err error) {
	pages, err = list(ctx, s.readers, "reading what is to be judged", "SELECT number, arrived FROM unjudged WHERE number > ? ORDER BY number", []any{int64(after)},
		func(rows *sql.Rows) (p detector.RowPage, err error) {
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
	var number int64
	if err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'unjudged'").Scan(&number); err != nil {
		return nil, 0, fmt.Errorf("reading what is to be judged: %w", err)
	}
	return nil, uint64(number), nil
}

// Rows implements detector.Events.
func (s *Events) Rows(ctx context.Context, number uint64) (rows []byte, err error) {
	err = s.readers.QueryRowContext(ctx, "SELECT rows FROM unjudged WHERE number = ?", int64(number)).Scan(&rows)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading rows to be judged: %w", err)
	}
	return rows, nil
}

// Judgement implements detector.State.
func (s *State) Judgement(ctx context.Context) (text []byte, err error) {
	if err := s.readers.QueryRowContext(ctx, "SELECT judgement FROM state").Scan(&text); err != nil {
		return nil, fmt.Errorf("reading the judgement: %w", err)
	}
	return text, nil
}
