//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
)

// cutoff returns the time before which data of a kind is not shown, in Unix milliseconds.
func (s *Events) cutoff(ctx context.Context, kind string) (at int64, err error) {
	err = s.journal.Own.QueryRowContext(ctx, "SELECT at FROM cutoffs WHERE kind = ?", kind).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading the journal %s: %w", s.o.Journal, err)
	}
	return at, nil
}

// from returns since in Unix milliseconds, but not before the cutoff of a kind.
func (s *Events) from(ctx context.Context, kind string, since time.Time) (int64, error) {
	cutoff, err := s.cutoff(ctx, kind)
	// a Date begins in 1970
	return max(since.UnixMilli(), cutoff, 0), err
}

// setCutoff hides data of a kind that is older than at. It never shows any again.
func (s *Events) setCutoff(ctx context.Context, kind string, at int64) error {
	return s.write(ctx, "hiding old data", func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO cutoffs (kind, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)", kind, at)
		return err
	})
}

// Prune implements detector.Events. What is older is hidden at once, and deleted when its UTC day
// is over the retention as a whole, because dropping a day costs nothing.
func (s *Events) Prune(ctx context.Context, now time.Time, r detector.Retention) error {
	r = r.Defaults()
	before := func(d time.Duration) int64 { return max(now.Add(-d).UnixMilli(), 0) }
	if err := s.settle(ctx); err != nil {
		return err
	}
	for kind, at := range map[string]int64{detector.KindCells: before(r.Rollups), detector.KindSamples: before(r.Samples), detector.KindProbes: before(r.Samples),
		detector.KindBatches: before(r.IDs), kindMinutes: before(r.Minutes), kindHours: before(r.Hours), kindFingerprints: before(r.Hours)} {
		if err := s.setCutoff(ctx, kind, at); err != nil {
			return err
		}
	}
	if err := s.pruneJournal(ctx, before); err != nil {
		return err
	}
	for table, at := range map[string]int64{"cells": before(r.Rollups), "series": before(r.Rollups), "samples": before(r.Samples), "probes": before(r.Samples),
		"batches": before(r.IDs), "rollups": before(max(r.Hours, r.Minutes)), "latencies": before(max(r.Hours, r.Minutes))} {
		if err := s.dropDays(ctx, table, dayOf(at)); err != nil {
			return err
		}
	}
	if err := s.pruneSums(ctx, dayText(before(r.Minutes)), before(r.Hours)); err != nil {
		return err
	}
	return s.deleteHidden(ctx)
}

// pruneSums deletes minutes before a day, causes of errors that were last seen before a time, and
// marks, unless there is a block that may need its marks.
func (s *Events) pruneSums(ctx context.Context, day string, before int64) error {
	s.shipping.Lock()
	defer s.shipping.Unlock()
	if waits, err := s.blockWaits(ctx); err != nil || waits {
		return err
	}
	if err := s.dropMinutes(ctx, day); err != nil {
		return err
	}
	return s.pruneCauses(ctx, before)
}

// pruneJournal deletes old rows of the journal.
func (s *Events) pruneJournal(ctx context.Context, before func(time.Duration) int64) error {
	// What is older raises nothing any more.
	return s.write(ctx, "deleting old data", func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM unjudged WHERE arrived < ?", before(48*time.Hour))
		return err
	})
}

// days returns the days of which a table has rows, oldest first, with their bytes.
func (s *Events) days(ctx context.Context, table string) (all []day, err error) {
	return list(ctx, s, "listing days", `SELECT min_date, toInt64(sum(bytes_on_disk)), toInt64(sum(rows)) FROM system.parts
		WHERE active AND database = ? AND table = ? GROUP BY min_date ORDER BY min_date`, []any{s.o.Database, table},
		func(rows driver.Rows) (d day, err error) {
			err = rows.Scan(&d.day, &d.bytes, &d.rows)
			return d, err
		})
}

// day is a day of a table.
type day struct {
	day         time.Time
	bytes, rows int64
}

// dropDays drops the days of a table before a day.
func (s *Events) dropDays(ctx context.Context, table string, before time.Time) error {
	all, err := s.days(ctx, table)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.day.Before(before) {
			if err := s.dropDay(ctx, table, d.day); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Events) dropDay(ctx context.Context, table string, day time.Time) error {
	if table == "series" {
		s.listed.forget()
	}
	return s.exec(ctx, "deleting a day", "ALTER TABLE "+table+" DROP PARTITION '"+day.Format(time.DateOnly)+"'")
}

// dropMinutes deletes the minutes, and the marks, of days before a day, which still have hours.
func (s *Events) dropMinutes(ctx context.Context, before string) error {
	for _, table := range []string{"rollups", "latencies"} {
		n, err := s.number(ctx, "looking for old minutes", "SELECT toInt64(count()) FROM "+table+" WHERE day < ? AND step <> 3600000", before)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := s.mutate(ctx, table, "day < '"+before+"' AND step <> 3600000"); err != nil {
			return err
		}
	}
	return nil
}

// pruneCauses deletes causes of errors that were last seen before a time, marks of blocks that are
// done, and the causes that were not seen for the longest time if there are too many.
func (s *Events) pruneCauses(ctx context.Context, before int64) error {
	const doing = "looking for old causes of errors"
	beyond, err := s.number(ctx, doing, `SELECT maxMerge(last) AS latest FROM causes WHERE mark = 0 GROUP BY app, fingerprint ORDER BY latest DESC LIMIT ?, 1`, maxFingerprints)
	if err != nil {
		return err
	}
	if beyond > 0 {
		if err := s.setCutoff(ctx, kindFingerprints, beyond+1); err != nil {
			return err
		}
		before = max(before, beyond+1)
	}
	const old = "(mark > 0 OR finalizeAggregation(last) < %d)"
	n, err := s.number(ctx, doing, "SELECT toInt64(count()) FROM causes WHERE "+fmt.Sprintf(old, before))
	if err != nil || n == 0 {
		return err
	}
	return s.mutate(ctx, "causes", fmt.Sprintf(old, before))
}

// blockWaits reports whether a block was begun that is not in all tables.
func (s *Events) blockWaits(ctx context.Context) (waits bool, err error) {
	if err = s.journal.Own.QueryRowContext(ctx, "SELECT upto > 0 FROM block").Scan(&waits); err != nil {
		err = fmt.Errorf("reading the journal %s: %w", s.o.Journal, err)
	}
	return waits, err
}
