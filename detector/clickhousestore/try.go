//go:build cgo

package clickhousestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// Try does with tables of its own what a store does with its tables: it makes one and a view of it,
// inserts, reads, drops a partition, changes rows and drops everything again. The error says what
// the user may not do. The names of the tables begin with heliograph_check_.
func Try(ctx context.Context, o Options) (err error) {
	s, err := visit(o)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	from := "heliograph_check_" + strings.ToLower(rand.Text())
	view := from + "_view"
	made := false
	defer func() {
		for _, table := range []string{view, from} {
			dropErr := s.exec(context.WithoutCancel(ctx), "dropping "+table, "DROP TABLE IF EXISTS "+table)
			if dropErr != nil && made { // who may make none knows the cause already
				err = errors.Join(err, fmt.Errorf("may this user drop tables? %w", dropErr))
			}
		}
	}()
	for _, step := range []struct{ may, statement string }{
		{"make tables", "CREATE TABLE " + from + " (day Date, n UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY n"},
		{"make views", "CREATE MATERIALIZED VIEW " + view + " ENGINE = SummingMergeTree PARTITION BY day ORDER BY day AS SELECT day, sum(n) AS n FROM " + from + " GROUP BY day"},
		{"insert", "INSERT INTO " + from + " SELECT toDate('2026-01-01'), toUInt64(1)"},
		{"delete rows", "ALTER TABLE " + from + " DELETE WHERE n = 2"},
		{"drop partitions", "ALTER TABLE " + from + " DROP PARTITION '2026-01-01'"},
	} {
		if err := s.exec(ctx, "trying to "+step.may, step.statement); err != nil {
			return advised(err, &s.o)
		}
		made = true
	}
	if _, err := s.number(ctx, "trying to read", "SELECT toInt64(count()) FROM "+from); err != nil {
		return advised(err, &s.o)
	}
	return nil
}
