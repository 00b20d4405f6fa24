package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/internal/clickhousetest"
)

// Filling a store through Append takes an hour for 100 million rows. So one stretch of time goes
// that way, and older ones are copies of what it left in the tables, made by the engines
// themselves: the same cells, samples and rollups with their times moved back by whole stretches.
// Ids of batches are not copied, because no question reads them.

// copySQLite copies a stretch of the file that ends at end. The file must not be open. The
// transaction is not durable until it is over, and has no log.
func copySQLite(t *testing.T, path string, copies int, stretch time.Duration, end time.Time) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_synchronous=OFF&_journal_mode=OFF&_cache_size=-200000&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	run := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	run("PRAGMA temp_store = FILE")
	run("CREATE TEMP TABLE copied_cells AS SELECT * FROM cells")
	run("CREATE TEMP TABLE copied_samples AS SELECT * FROM samples")
	run("CREATE TEMP TABLE copied_rollups AS SELECT * FROM rollups WHERE at < ?", end.UnixMilli())
	run("UPDATE copied_samples SET id = NULL")
	run("BEGIN")
	for n := copies; n > 0; n-- { // the oldest first, in the order of the keys
		back := int64(n) * stretch.Milliseconds()
		run("UPDATE copied_samples SET at = at - ?", back)
		run("INSERT INTO samples SELECT * FROM copied_samples")
		run("UPDATE copied_samples SET at = at + ?", back)
		run("INSERT INTO cells (bin, series, raw, estimated, clients, spread, places) SELECT bin - ?, series, raw, estimated, clients, spread, places FROM copied_cells", back)
	}
	for _, step := range []time.Duration{time.Minute, time.Hour} {
		for n := copies; n > 0; n-- {
			run("INSERT INTO rollups (step, at, key, raw, estimated, clients) SELECT step, at - ?, key, raw, estimated, clients FROM copied_rollups WHERE step = ?",
				int64(n)*stretch.Milliseconds(), step.Milliseconds())
		}
	}
	run("COMMIT")
}

// connect connects to the server of a test as its store does.
func connect(t *testing.T, server *clickhousetest.Server, database string) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{server.Address()}, Auth: clickhouse.Auth{Database: database, Password: clickhousetest.Password},
		ReadTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// copyClickHouse copies a stretch that ends at end.
func copyClickHouse(t *testing.T, conn driver.Conn, copies int, stretch time.Duration, end time.Time) {
	t.Helper()
	first, last := end.Add(-stretch).UnixMilli(), end.UnixMilli()
	run := func(query string) {
		if err := conn.Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	moved := func(back int64, column string) string {
		return fmt.Sprintf("toDate(intDiv(%[1]s - %[2]d, 1000), 'UTC') AS day, %[1]s - %[2]d", column, back)
	}
	for n := copies; n > 0; n-- {
		back := int64(n) * stretch.Milliseconds()
		run(fmt.Sprintf(`INSERT INTO cells (day, bin, series, delivery, asn, raw, estimated, clients, spread, places, block)
			SELECT %s, series, delivery, asn, raw, estimated, clients, spread, places, block FROM cells WHERE bin > %d AND bin <= %d`, moved(back, "bin"), first, last))
		run(fmt.Sprintf(`INSERT INTO samples (day, at, %[1]s) SELECT %[2]s, %[1]s FROM samples WHERE at > %[3]d AND at <= %[4]d`,
			`seq, app, version, os, source, target, url, method, outcome, phase, protocol, server, status, elapsed, trace, flags, asn, country, error_type, message, stack,
			fingerprint, count, client, block`, moved(back, "at"), first, last))
		run(fmt.Sprintf(`INSERT INTO rollups (day, mark, step, at, %[1]s) SELECT toDate(intDiv(at - %[2]d, 1000), 'UTC') AS day, mark, step, at - %[2]d, %[1]s
			FROM rollups WHERE mark = 0 AND at >= %[3]d AND at < %[4]d`,
			"app, version, os, target, outcome, asn, country, source, raw, estimated, clients", back, first, last))
	}
	run(`INSERT INTO series (day, id, delivery, app, target, outcome, protocol, status, server, asn, country, source, flags)
		SELECT days.day, s.id, s.delivery, s.app, s.target, s.outcome, s.protocol, s.status, s.server, s.asn, s.country, s.source, s.flags
		FROM (SELECT DISTINCT id, delivery, app, target, outcome, protocol, status, server, asn, country, source, flags FROM series) AS s
		CROSS JOIN (SELECT DISTINCT day FROM cells) AS days`)
}

// awaitSums waits until the journal of a store in ClickHouse is empty: the sums of minutes and
// hours that are over, and everything else, are in the server.
func awaitSums(t *testing.T, journal string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.ToSlash(journal)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for end := time.Now().Add(20 * time.Minute); ; time.Sleep(time.Second) {
		var left int
		err := db.QueryRowContext(context.Background(), "SELECT (SELECT count(*) FROM sums) + (SELECT count(*) FROM waiting)").Scan(&left)
		if err == nil && left == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d rows are still in the journal: %v", left, err)
		}
	}
}
