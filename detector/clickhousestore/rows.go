//go:build cgo

package clickhousestore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// Unjudged implements detector.Events.
func (s *Events) Unjudged(ctx context.Context, after uint64) (pages []detector.RowPage, last uint64, err error) {
	const doing = "reading what is to be judged"
	if err := s.readJournal(ctx, doing, "SELECT number, arrived FROM unjudged WHERE number > ? ORDER BY number", []any{int64(min(after, math.MaxInt64))},
		func(rows *sql.Rows) error {
			var number, arrived int64
			err := rows.Scan(&number, &arrived)
			pages = append(pages, detector.RowPage{Number: uint64(number), Arrived: time.UnixMilli(arrived)})
			return err
		}); err != nil {
		return nil, 0, err
	}
	if len(pages) > 0 {
		return pages, pages[len(pages)-1].Number, nil
	}
	var number int64
	if err := s.journal.Own.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'unjudged'").Scan(&number); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", doing, err)
	}
	return nil, uint64(number), nil
}

// Rows implements detector.Events.
func (s *Events) Rows(ctx context.Context, number uint64) (rows []byte, err error) {
	err = s.journal.Own.QueryRowContext(ctx, "SELECT rows FROM unjudged WHERE number = ?", int64(min(number, math.MaxInt64))).Scan(&rows)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading rows to be judged: %w", err)
	}
	return rows, nil
}

// rolledAtOnce is about how many bytes of encoded rows one transaction adds to the sums.
const rolledAtOnce = 16 << 20

// Judged implements detector.Events. The rows are read and summed before the transaction, since
// only one caller deletes them.
func (s *Events) Judged(ctx context.Context, upTo uint64) error {
	s.rolling.Lock()
	defer s.rolling.Unlock()
	for {
		rows, last, err := s.rowsUpTo(ctx, upTo)
		if err != nil || last == 0 {
			return err
		}
		cells := detector.RollUp(rows)
		if err := s.write(ctx, "adding to the rollups", func(tx *sql.Tx) error {
			if err := addSums(tx, cells); err != nil {
				return err
			}
			_, err := tx.Exec("DELETE FROM unjudged WHERE number <= ?", int64(last))
			return err
		}); err != nil {
			return err
		}
	}
}

// errEnough ends a query that has read enough.
var errEnough = errors.New("enough")

// rowsUpTo returns the rows of the first pages up to upTo, and the last page that it has read; 0 if
// there is none. Rows that are damaged are left out, since the judge has said so.
func (s *Events) rowsUpTo(ctx context.Context, upTo uint64) (all []judgement.Row, last uint64, err error) {
	read := 0
	err = s.readJournal(ctx, "reading what was judged", "SELECT number, rows FROM unjudged WHERE number <= ? ORDER BY number", []any{int64(min(upTo, math.MaxInt64))},
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

// errorRollups sums application errors. Their clients are hashed under a key that is in memory
// only, and new each day, so that nobody can find a client's errors by its token.
func (s *Events) errorRollups(samples []model.Sample) []detector.RollupCell {
	var errs []model.Sample
	for i := range samples {
		if samples[i].Error.Fingerprint != [16]byte{} {
			errs = append(errs, samples[i])
		}
	}
	if day := time.Now().Unix() / (24 * 3600); day != s.errorDay {
		s.errorDay = day
		rand.Read(s.errorKey[:]) // never fails
	}
	return detector.RollUpErrors(errs, func(client uint64) uint64 { return sketch.Hash(s.errorKey, client) })
}
