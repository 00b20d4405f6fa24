//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/heliograph-net/heliograph/detector/internal/stored"
)

// Importer takes the rows of another store. It puts them into the journal, and in the same
// transaction the place in the other store where they end; from there, they go to ClickHouse as
// batches do. So each row comes once, whatever is killed in between. It is not safe for concurrent
// use.
type Importer struct{ s *Events }

// ErrNotEmpty says that a store has reports that come from elsewhere.
var ErrNotEmpty = errors.New("the store is not empty")

// errImporting says that an import has not ended.
var errImporting = errors.New("another store is being moved here: run heliograph migrate again, which goes on where it ended")

// OpenImporter opens a store for an import. The caller must close it.
func OpenImporter(ctx context.Context, o Options) (*Importer, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Importer{s}, nil
}

// Close closes the store. What waits in the journal stays there.
func (i *Importer) Close() error { return i.s.Close() }

// Import is how far an import has come.
type Import struct {
	Source string // its identity; "": none has begun
	Part   int    // an index of stored.Parts
	After  string // the place where the rows of the part end that were taken
	Rows   int64  // of the part
	Ended  time.Time
}

// State returns how far the import has come.
func (i *Importer) State(ctx context.Context) (m Import, err error) { return i.s.imported(ctx) }

func (s *Events) imported(ctx context.Context) (m Import, err error) {
	err = s.readJournal(ctx, "looking for an import", "SELECT source, part, after, rows, ended FROM migration", nil, func(rows *sql.Rows) error {
		var ended int64
		err := rows.Scan(&m.Source, &m.Part, &m.After, &m.Rows, &ended)
		if ended > 0 {
			m.Ended = time.UnixMilli(ended)
		}
		return err
	})
	return m, err
}

// Begin begins an import from a source with an identity, into a store without any reports.
func (i *Importer) Begin(ctx context.Context, source string) error {
	if err := i.s.empty(ctx); err != nil {
		return err
	}
	return i.s.write(ctx, "beginning an import", func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO migration (one, source, part, after, rows, ended) VALUES (1, ?, 0, '', 0, 0)", source)
		return err
	})
}

// empty returns an error that wraps ErrNotEmpty if there are reports in ClickHouse or in the
// journal.
func (s *Events) empty(ctx context.Context) error {
	for _, table := range []string{"batches", "cells", "samples", "probes", "rollups", "latencies", "causes"} {
		n, err := s.number(ctx, "looking for reports", "SELECT toInt64(count()) FROM "+table)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: table %s of the database %s has %d rows; name an empty database", ErrNotEmpty, table, s.o.Database, n)
		}
	}
	for _, table := range []string{"waiting", "unjudged", "sums", "durations"} {
		var n int64
		if err := s.readJournal(ctx, "looking for reports", "SELECT count(*) FROM "+table, nil, func(rows *sql.Rows) error { return rows.Scan(&n) }); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: the journal %s has reports that are not in the database %s; name another journal", ErrNotEmpty, s.o.Journal, s.o.Database)
		}
	}
	return nil
}

// Add takes rows, after which the import has come as far as to. If much waits for ClickHouse, it
// waits until that has it.
func (i *Importer) Add(ctx context.Context, rows *stored.Rows, to Import) error {
	if err := i.s.store(ctx, "importing", []addition{{content: content(*rows)}}, func(tx *sql.Tx) error { return advance(tx, to) }); err != nil {
		return err
	}
	if i.s.waiting.Load() < blockBytes {
		return nil
	}
	return i.s.settle(ctx)
}

// AddPages takes pages that wait to be judged, which keep their numbers, since the judge goes on
// after one of them.
func (i *Importer) AddPages(ctx context.Context, pages []stored.Page, to Import) error {
	return i.s.write(ctx, "importing", func(tx *sql.Tx) error {
		for _, p := range pages {
			if _, err := tx.Exec("INSERT INTO unjudged (number, arrived, rows) VALUES (?, ?, ?)", int64(p.Number), p.Arrived, p.Rows); err != nil {
				return err
			}
		}
		return advance(tx, to)
	})
}

func advance(tx *sql.Tx, to Import) error {
	_, err := tx.Exec("UPDATE migration SET part = ?, after = ?, rows = ?", to.Part, to.After, to.Rows)
	return err
}

// Settle waits until all that was taken is in ClickHouse.
func (i *Importer) Settle(ctx context.Context) error { return i.s.settle(ctx) }

// End ends the import. Numbers of new pages follow lastPage.
func (i *Importer) End(ctx context.Context, lastPage uint64) error {
	return i.s.write(ctx, "ending the import", func(tx *sql.Tx) error {
		for _, statement := range []string{
			"INSERT INTO sqlite_sequence (name, seq) SELECT 'unjudged', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'unjudged')",
			fmt.Sprintf("UPDATE sqlite_sequence SET seq = max(seq, %d) WHERE name = 'unjudged'", lastPage),
			fmt.Sprintf("UPDATE migration SET ended = %d", time.Now().UnixMilli()),
		} {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// daySums has for each part how many rows a day has, and the two columns of stored.Day.
var daySums = map[stored.Part]string{
	stored.Batches: "SELECT toInt64(count()), sum(toFloat64(records)), sum(toFloat64(frames)) FROM batches WHERE day = ?",
	stored.Cells:   "SELECT toInt64(count()), sum(toFloat64(raw)), sum(estimated) FROM cells WHERE day = ?",
	stored.Samples: "SELECT toInt64(count()), sum(toFloat64(count)), sum(toFloat64(elapsed)) FROM samples WHERE day = ?",
	stored.Probes:  "SELECT toInt64(count()), sum(toFloat64(judgement)), sum(toFloat64(status)) FROM probes WHERE day = ?",
	stored.Sums: `SELECT toInt64(count()), sum(toFloat64(reported)), sum(requests) FROM (SELECT sumMerge(raw) AS reported, sumMerge(estimated) AS requests FROM rollups
		WHERE day = ? AND mark = 0 GROUP BY step, at, app, version, os, target, outcome, asn, country, source)`,
	stored.Durations: `SELECT toInt64(count()), sum(all), sum(toFloat64(step)) FROM (SELECT step, sum(arraySum(bucketsMap.requests)) AS all FROM latencies
		WHERE day = ? AND mark = 0 GROUP BY step, at, target)`,
	stored.Causes: `SELECT toInt64(count()), sum(toFloat64(errs)), sum(toFloat64(latest)) FROM (SELECT sumMerge(errors) AS errs, maxMerge(last) AS latest FROM causes
		WHERE mark = 0 GROUP BY app, fingerprint)`,
}

// Day sums a part of a day, which is counted from 1 January 1970.
func (i *Importer) Day(ctx context.Context, part stored.Part, day int64) (d stored.Day, err error) {
	args := []any{dayText(day * stored.DayMS)}
	if part == stored.Causes {
		args = nil
	}
	err = i.s.each(ctx, "adding up "+string(part), daySums[part], args, func(rows driver.Rows) error { return rows.Scan(&d.Rows, &d.Sums[0], &d.Sums[1]) })
	return d, err
}
