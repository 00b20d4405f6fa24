package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
)

// pruneRows is about how many rows one transaction deletes, so that new reports get their turn.
const pruneRows = 5000

// old is a statement that deletes at most ?2 rows that are older than ?1.
type old struct {
	query  string
	cutoff int64
}

// Prune implements detector.Events. It deletes data in portions.
func (s *Events) Prune(ctx context.Context, now time.Time, r detector.Retention) error {
	r = r.Defaults()
	before := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	s.settle(ctx)
	if err := (fairly{"fingerprints", "app, fingerprint", "last"}).bound(ctx, s.file, maxFingerprints); err != nil {
		return err
	}
	if err := s.portions(ctx, func(tx *sql.Tx) (int64, error) {
		return deleteSamples(tx, "SELECT id FROM samples WHERE at < ? ORDER BY at LIMIT ?", before(r.Samples), pruneRows)
	}); err != nil {
		return err
	}
	return s.prune(ctx, []old{
		// Whole bins, the oldest first: as many as make up a portion, but at least one.
		{"DELETE FROM cells WHERE bin < ?1 AND bin <= coalesce((SELECT bin FROM cells ORDER BY bin LIMIT 1 OFFSET ?2), ?1)", before(r.Rollups)},
		{"DELETE FROM sample_chunks WHERE chunk IN (" + emptyChunks + ")", 1},
		{"DELETE FROM probes WHERE id IN (SELECT id FROM probes WHERE at < ?1 ORDER BY at LIMIT ?2)", before(r.Samples)},
		{`DELETE FROM probe_targets WHERE id IN (SELECT id FROM probe_targets t WHERE ?1 AND
			NOT EXISTS (SELECT 1 FROM probes p WHERE p.target = t.id) LIMIT ?2)`, 1},
		{"DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE received < ?1 ORDER BY received LIMIT ?2)", before(r.IDs)},
		// What is older raises nothing any more.
		{"DELETE FROM unjudged WHERE number IN (SELECT number FROM unjudged WHERE arrived < ?1 LIMIT ?2)", before(48 * time.Hour)},
		{"DELETE FROM rollups WHERE (step, at, key) IN (SELECT step, at, key FROM rollups WHERE step = 60000 AND at < ?1 LIMIT ?2)", before(r.Minutes)},
		{"DELETE FROM rollups WHERE (step, at, key) IN (SELECT step, at, key FROM rollups WHERE step = 3600000 AND at < ?1 LIMIT ?2)", before(r.Hours)},
		{"DELETE FROM latencies WHERE (step, at, target) IN (SELECT step, at, target FROM latencies WHERE step = 60000 AND at < ?1 LIMIT ?2)", before(r.Minutes)},
		{"DELETE FROM latencies WHERE (step, at, target) IN (SELECT step, at, target FROM latencies WHERE step = 3600000 AND at < ?1 LIMIT ?2)", before(r.Hours)},
		{"DELETE FROM rollup_keys WHERE id IN (SELECT id FROM rollup_keys WHERE used < ?1 LIMIT ?2)", before(max(r.Minutes, r.Hours)) - dayMS},
		{"DELETE FROM fingerprints WHERE (app, fingerprint) IN (SELECT app, fingerprint FROM fingerprints WHERE last < ?1 LIMIT ?2)", before(r.Hours)},
		// used is exact to within a day.
		{"DELETE FROM series WHERE id IN (SELECT id FROM series WHERE used < ?1 LIMIT ?2)", before(r.Rollups) - dayMS},
	})
}

// Prune implements detector.State.
func (s *State) Prune(ctx context.Context, now time.Time, r detector.Retention) error {
	r = r.Defaults()
	before := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	err := s.prune(ctx, []old{
		// Deletions are kept for as long as batches may be late and ids are known. After that, no
		// batch of these clients can arrive.
		{"DELETE FROM deleted WHERE client IN (SELECT client FROM deleted WHERE received < ?1 LIMIT ?2)", before(r.IDs)},
		{"DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE until > 0 AND until < ?1 LIMIT ?2)", before(r.Rollups)},
		{"DELETE FROM notes WHERE number IN (SELECT number FROM notes n WHERE ?1 AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = n.incident) LIMIT ?2)", 1},
		{"DELETE FROM milestones WHERE number IN (SELECT number FROM milestones m WHERE ?1 AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = m.incident) LIMIT ?2)", 1},
		{`DELETE FROM mutes WHERE number IN (SELECT number FROM mutes WHERE "end" < ?1 LIMIT ?2)`, before(r.Rollups)},
		{"DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE bin < ?1 LIMIT ?2)", before(r.Rollups)},
		{"DELETE FROM claims WHERE (collector, name) IN (SELECT collector, name FROM claims WHERE told < ?1 LIMIT ?2)", before(detector.ClaimsKept)},
		{"DELETE FROM claimed WHERE (collector, day, asn) IN (SELECT collector, day, asn FROM claimed WHERE day < ?1 LIMIT ?2)", before(detector.ClaimsKept) / dayMS},
		{"DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE received < ?1 LIMIT ?2)", before(r.IDs)},
	})
	if err == nil {
		err = fairly{"deleted", "client", "received"}.bound(ctx, s.file, maxDeleted)
	}
	if err != nil {
		return err
	}
	return s.destroyKeys(ctx, now.UnixMilli()/dayMS-1)
}

// destroyKeys deletes the keys of days before oldest and all copies of them in the write-ahead log.
// Data that is deleted from the file itself is overwritten.
func (s *State) destroyKeys(ctx context.Context, oldest int64) error {
	var n int64
	err := s.write(ctx, "destroying keys", func(tx *sql.Tx) error {
		r, err := tx.Exec("DELETE FROM client_keys WHERE day < ?", oldest)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	if err != nil || n == 0 {
		return err
	}
	return s.wipeLog(ctx)
}

// wipeLog truncates the write-ahead log, which may contain copies of deleted data. If a reader is
// using the log, this is postponed until the store is next measured.
func (f *file) wipeLog(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var busy, pages, done int
	if err := f.db.Writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &done); err != nil {
		return fmt.Errorf("cutting off the write-ahead log: %w", err)
	}
	f.unwiped = busy != 0
	return nil
}

// wipeAgain calls wipeLog if that was postponed.
func (f *file) wipeAgain(ctx context.Context) error {
	f.mu.Lock()
	again := f.unwiped
	f.mu.Unlock()
	if !again {
		return nil
	}
	return f.wipeLog(ctx)
}

func (f *file) prune(ctx context.Context, all []old) error {
	for _, o := range all {
		if err := f.portions(ctx, func(tx *sql.Tx) (int64, error) {
			r, err := tx.Exec(o.query, o.cutoff, pruneRows)
			if err != nil {
				return 0, err
			}
			return r.RowsAffected()
		}); err != nil {
			return err
		}
	}
	return nil
}

// portions calls some in transactions of their own until it deletes nothing.
func (f *file) portions(ctx context.Context, some func(tx *sql.Tx) (deleted int64, err error)) error {
	for {
		var deleted int64
		err := f.write(ctx, "deleting old data", func(tx *sql.Tx) (err error) {
			if deleted, err = some(tx); deleted > 0 {
				f.forget()
			}
			return err
		})
		if err != nil || deleted == 0 {
			return err
		}
	}
}
