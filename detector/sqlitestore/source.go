package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/detector/internal/stored"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// Source reads all events of a file, for moving them to another store. Nobody else can write to the
// file until it is closed. It is not safe for concurrent use.
type Source struct {
	path string
	*file
	tx *sql.Tx // it keeps others from writing, and writes nothing
}

var _ stored.Source = (*Source)(nil)

// ErrRunning says that a process has the file open.
var ErrRunning = errors.New("a process has the file open: stop the detector first")

// OpenSource opens the file at path, which must be of this release's version and may not be in use.
// It adds the cells that wait to the others, and changes nothing else.
func OpenSource(ctx context.Context, path string) (*Source, error) {
	if err := checkSource(ctx, path); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	f, err := openFile(ctx, path, 1)
	if err != nil {
		return nil, err
	}
	s := &Source{path: path, file: f}
	if err := f.write(ctx, "writing sums", f.flush); err != nil {
		return nil, errors.Join(err, f.release())
	}
	if s.tx, err = f.db.Writer.BeginTx(context.WithoutCancel(ctx), nil); err != nil {
		return nil, errors.Join(fmt.Errorf("keeping %s from others: %w", path, err), f.release())
	}
	return s, nil
}

func checkSource(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if sqlitedb.InUse(path) {
		return ErrRunning
	}
	found, known, err := options.Schema.Version(ctx, path)
	if err == nil && found != known {
		err = fmt.Errorf("%w: it is of version %d, and this release's is %d: start this release's detector with it once, which upgrades it", ErrSchema, found, known)
	}
	return err
}

// CountSource counts the rows of the file at path by part, and changes nothing. It makes the same
// demands on the file as [OpenSource].
func CountSource(ctx context.Context, path string) (map[stored.Part]int64, error) {
	if err := checkSource(ctx, path); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	db, err := sqlitedb.OpenReadOnly(path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	counts := map[stored.Part]int64{}
	for _, part := range stored.Parts {
		var n int64
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+string(part)).Scan(&n); err != nil {
			return nil, sqlitedb.Doing("counting "+path, err)
		}
		counts[part] = n
	}
	return counts, nil
}

// Close lets others write to the file.
func (s *Source) Close() error {
	return errors.Join(s.tx.Rollback(), s.release())
}

// StateFrom is where in an identity the part begins that the state is in.
const StateFrom = ", judged to "

// Identity implements stored.Source. It is made of what grows with every batch and probe result
// that is stored, and at last of the bin that was judged.
func (s *Source) Identity(ctx context.Context) (text string, err error) {
	err = s.tx.QueryRowContext(ctx, `SELECT printf('%d batches to %d, %d pages, samples to %d, probes to %d' || '`+StateFrom+`%d',
		(SELECT count(*) FROM batches), (SELECT coalesce(max(received), 0) FROM batches), (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'unjudged'),
		(SELECT coalesce(max(id), 0) FROM samples), (SELECT coalesce(max(id), 0) FROM probes), (SELECT evaluated FROM state))`).Scan(&text)
	return text, s.doing("looking for what is stored", err)
}

// eventTables are the tables of events, which are empty in a file that has only the state.
var eventTables = []string{"pending", "cells", "series", "samples", "sample_chunks", "sample_terms", "batches", "probes", "probe_targets", "rollups", "rollup_keys", "latencies",
	"fingerprints", "unjudged"}

// DeleteEvents deletes all events of the file at path, keeps its state, and makes the file as small
// as that. It makes the same demands on the file as [OpenSource]. What is deleted is not
// overwritten, as if a file had been removed.
func DeleteEvents(ctx context.Context, path string) error {
	if err := checkSource(ctx, path); err != nil {
		return fmt.Errorf("deleting events of %s: %w", path, err)
	}
	f, err := openFile(ctx, path, 1)
	if err != nil {
		return err
	}
	return errors.Join(f.deleteEvents(ctx), f.release())
}

func (f *file) deleteEvents(ctx context.Context) error {
	// overwriting would write all of it to the log once more
	if _, err := f.db.Writer.ExecContext(ctx, "PRAGMA secure_delete = OFF"); err != nil {
		return sqlitedb.Doing("deleting events", err)
	}
	err := f.write(ctx, "deleting events", func(tx *sql.Tx) error {
		for _, table := range eventTables {
			if _, err := tx.Exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		return nil
	})
	f.forget()
	if err != nil {
		return err
	}
	if _, err := f.db.Writer.ExecContext(ctx, "VACUUM"); err != nil {
		return sqlitedb.Doing("making the file smaller", err)
	}
	return f.wipeLog(ctx)
}

// doing adds to an error what was being done.
func (s *Source) doing(doing string, err error) error {
	if err == nil {
		return nil
	}
	return sqlitedb.Doing(doing+" in "+s.path, err)
}

// Count implements stored.Source.
func (s *Source) Count(ctx context.Context, part stored.Part) (n int64, err error) {
	return n, s.doing("counting", s.tx.QueryRowContext(ctx, "SELECT count(*) FROM "+string(part)).Scan(&n))
}

// LastPage implements stored.Source.
func (s *Source) LastPage(ctx context.Context) (n uint64, err error) {
	return n, s.doing("counting pages", s.tx.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'unjudged'").Scan(&n))
}

// pagesAtOnce is how many pages NextPages returns at most.
const pagesAtOnce = 8

// NextPages implements stored.Source.
func (s *Source) NextPages(ctx context.Context, after uint64) ([]stored.Page, error) {
	return sqlitedb.List(ctx, s.tx, "reading pages of "+s.path, "SELECT number, arrived, rows FROM unjudged WHERE number > ? ORDER BY number LIMIT ?", []any{int64(after), pagesAtOnce},
		func(rows *sql.Rows) (p stored.Page, err error) {
			err = rows.Scan(&p.Number, &p.Arrived, &p.Rows)
			return p, err
		})
}

// dayOf returns SQL for the day of a time: at least 1970, and at most what other stores can say.
func dayOf(at string) string {
	return fmt.Sprintf("min(max(%s, 0) / %d, 65535)", at, stored.DayMS)
}

// maxRaw is the most reported requests of a rollup that other stores can add up.
const maxRaw = "36028797018963968"

// daySums has for each part its day, how many rows count, and the two columns of stored.Day.
var daySums = map[stored.Part]string{
	stored.Batches:   "SELECT " + dayOf("received") + ", count(*), total(records), total(frames) FROM batches",
	stored.Cells:     "SELECT " + dayOf("bin") + ", count(*), total(raw), total(estimated) FROM cells WHERE series IN (SELECT id FROM series)",
	stored.Samples:   "SELECT " + dayOf("at") + ", count(*), total(count), total(elapsed) FROM samples",
	stored.Probes:    "SELECT " + dayOf("at") + ", count(*), total(judgement), total(status) FROM probes WHERE target IN (SELECT id FROM probe_targets)",
	stored.Sums:      "SELECT " + dayOf("at") + ", count(*), total(min(raw, " + maxRaw + ")), total(estimated) FROM rollups WHERE key IN (SELECT id FROM rollup_keys)",
	stored.Durations: "SELECT " + dayOf("at") + ", count(nullif(requests(latency), 0)), total(requests(latency)), total(step * (requests(latency) > 0)) FROM latencies",
	stored.Causes:    "SELECT 0, count(*), total(errors), total(last) FROM fingerprints",
}

// Days implements stored.Source.
func (s *Source) Days(ctx context.Context, part stored.Part) (stored.Days, error) {
	days := stored.Days{}
	return days, sqlitedb.Each(ctx, s.tx, "adding up "+s.path, daySums[part]+" GROUP BY 1", nil, func(rows *sql.Rows) error {
		var number int64
		var d stored.Day
		err := rows.Scan(&number, &d.Rows, &d.Sums[0], &d.Sums[1])
		if d.Rows > 0 {
			days[number] = d
		}
		return err
	})
}

// registerRequests gives a connection the function requests(latency): how many requests an encoded
// model.Latency has, 0 if it is damaged.
func registerRequests(conn *sqlite3.SQLiteConn) error {
	return conn.RegisterFunc("requests", func(encoded []byte) float64 {
		var l model.Latency
		if l.Decode(encoded) != nil {
			return 0
		}
		return l.Requests()
	}, true)
}
