package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/detector"
)

// pruneRows is about how many rows one transaction deletes, so that reports get their turn.
const pruneRows = 5000

// Prune implements detector.Store. Data goes in portions: it may be interrupted and called again.
func (s *Store) Prune(ctx context.Context, now time.Time, r detector.Retention) error {
	r = r.Defaults()
	before := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	for _, p := range []struct {
		query  string
		cutoff int64
	}{
		{byBin("rollups"), before(r.Rollups)},
		{byBin("sightings"), before(min(r.Sightings, r.Rollups))},
		{"DELETE FROM samples WHERE id IN (SELECT id FROM samples WHERE at < ?1 ORDER BY at LIMIT ?2)", before(r.Samples)},
		{"DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE received < ?1 ORDER BY received LIMIT ?2)", before(r.IDs)},
		// As long as batches may be late and ids are known: then nothing of these clients can
		// come any more.
		{"DELETE FROM deleted WHERE client IN (SELECT client FROM deleted WHERE received < ?1 LIMIT ?2)", before(r.IDs)},
		{"DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE until > 0 AND until < ?1 LIMIT ?2)", before(r.Rollups)},
		{"DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE received < ?1 LIMIT ?2)", before(r.IDs)},
		// used is exact to within a day.
		{"DELETE FROM series WHERE id IN (SELECT id FROM series WHERE used < ?1 LIMIT ?2)", before(r.Rollups) - dayMS},
	} {
		if err := s.pruneTable(ctx, p.query, p.cutoff); err != nil {
			return err
		}
	}
	return nil
}

// byBin deletes whole bins from the oldest on: as many as make up a portion, but one at least.
func byBin(table string) string {
	return "DELETE FROM " + table + " WHERE bin < ?1 AND bin <= coalesce((SELECT bin FROM " + table + " ORDER BY bin LIMIT 1 OFFSET ?2), ?1)"
}

func (s *Store) pruneTable(ctx context.Context, query string, cutoff int64) error {
	for {
		var deleted int64
		err := s.write(ctx, "deleting old data", func(tx *sql.Tx) error {
			r, err := tx.Exec(query, cutoff, pruneRows)
			if err != nil {
				return err
			}
			if deleted, err = r.RowsAffected(); err != nil || deleted == 0 {
				return err
			}
			s.names.forget()
			return tx.QueryRow("SELECT count(*) FROM series").Scan(&s.names.rows)
		})
		if err != nil || deleted == 0 {
			return err
		}
	}
}
