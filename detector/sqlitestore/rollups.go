package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// version16 stores sums by minute and hour, which distinguish versions and operating systems, and
// what is known of the causes of application errors.
const version16 = `
CREATE TABLE rollup_keys (
	id      INTEGER PRIMARY KEY,
	app     TEXT NOT NULL,
	version TEXT NOT NULL,
	os      TEXT NOT NULL,
	target  TEXT NOT NULL,
	outcome TEXT NOT NULL,
	asn     INTEGER NOT NULL,
	country TEXT NOT NULL,
	source  INTEGER NOT NULL,
	used    INTEGER NOT NULL, -- the newest minute, to within a day
	UNIQUE (app, version, os, target, outcome, asn, country, source)
) STRICT;
CREATE TABLE rollups (
	step      INTEGER NOT NULL, -- 60000 or 3600000 ms
	at        INTEGER NOT NULL, -- when the step begins
	key       INTEGER NOT NULL,
	raw       INTEGER NOT NULL,
	estimated REAL NOT NULL,
	clients   BLOB NOT NULL, -- sketch.Clients
	PRIMARY KEY (step, at, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE fingerprints (
	app           TEXT NOT NULL,
	fingerprint   BLOB NOT NULL,
	type          TEXT NOT NULL,
	outcome       TEXT NOT NULL,
	first         INTEGER NOT NULL,
	first_version TEXT NOT NULL,
	last          INTEGER NOT NULL,
	last_version  TEXT NOT NULL,
	errors        INTEGER NOT NULL,
	asn           INTEGER NOT NULL, -- that the first came from
	PRIMARY KEY (app, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX fingerprints_asn ON fingerprints (asn, last);
CREATE INDEX samples_fingerprint ON samples (fingerprint, client) WHERE fingerprint <> x'';`

// addRollups adds cells to the stored minutes and hours.
func addRollups(tx *sql.Tx, cells []detector.RollupCell) error {
	w := rollupWriter{tx: tx, ids: map[model.RollupKey]int64{}}
	return rollups.Steps(cells, w.write)
}

// rollupWriter writes cells of rollups.
type rollupWriter struct {
	tx  *sql.Tx
	ids map[model.RollupKey]int64
}

func (w *rollupWriter) write(step time.Duration, c *detector.RollupCell) error {
	id, err := w.id(c)
	if err != nil {
		return err
	}
	_, err = w.tx.Exec("INSERT INTO rollups (step, at, key, raw, estimated, clients) VALUES (?, ?, ?, ?, ?, ?)"+rollups.Merge,
		step.Milliseconds(), c.At.UnixMilli(), id, int64(min(c.Raw, math.MaxInt64)), min(c.Estimated, math.MaxFloat64), blob(c.Clients.Append(nil)))
	return err
}

// id returns the row of a cell's key. It creates the row if necessary.
func (w *rollupWriter) id(c *detector.RollupCell) (id int64, err error) {
	k := c.RollupKey
	if id, known := w.ids[k]; known {
		return id, nil
	}
	at := c.At.UnixMilli()
	err = w.tx.QueryRow(`INSERT INTO rollup_keys (app, version, os, target, outcome, asn, country, source, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET used = excluded.used WHERE excluded.used > used + 86400000 RETURNING id`,
		k.App, k.Version, k.OS, k.Target, string(k.Outcome), k.ASN, k.Country, k.Source, at).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.tx.QueryRow(`SELECT id FROM rollup_keys WHERE app = ? AND version = ? AND os = ? AND target = ? AND outcome = ? AND asn = ?
			AND country = ? AND source = ?`, k.App, k.Version, k.OS, k.Target, string(k.Outcome), k.ASN, k.Country, k.Source).Scan(&id)
	}
	w.ids[k] = id
	return id, err
}

// Rollups implements detector.Events.
func (s *Events) Rollups(ctx context.Context, q model.RollupQuery) ([]model.Rollup, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	done, err := s.askMuch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	sums := answers.NewRollups(q, maxRollupsRead, maxGroups)
	where, args := rollupsWhere(q)
	if err := sqlitedb.Each(ctx, s.asked, "reading rollups", `SELECT r.at, r.raw, r.estimated, r.clients, k.app, k.version, k.os, k.target, k.outcome, k.asn, k.country, k.source
		FROM rollups r JOIN rollup_keys k ON k.id = r.key WHERE `+where+" ORDER BY r.at", args, func(rows *sql.Rows) error {
		var at, raw int64
		var estimated float64
		var clients sql.RawBytes
		var k model.RollupKey
		if err := rows.Scan(&at, &raw, &estimated, &clients, &k.App, &k.Version, &k.OS, &k.Target, &k.Outcome, &k.ASN, &k.Country, &k.Source); err != nil {
			return err
		}
		return sums.Add(at, &k, uint64(raw), estimated, clients)
	}); err != nil {
		return nil, err
	}
	return sums.Answer(), nil
}

// rollupsWhere returns a condition on rollups as r and rollup_keys as k, and its arguments.
func rollupsWhere(q model.RollupQuery) (where string, args []any) {
	until := int64(1) << 62
	if !q.Until.IsZero() {
		until = q.Until.Add(-q.Step).UnixMilli()
	}
	where = "r.step = ? AND r.at >= ? AND r.at <= ? AND (? = '' OR k.app = ?) AND (? = '' OR k.target = ?) AND " + under("k.outcome")
	args = append([]any{q.Step.Milliseconds(), q.Since.UnixMilli(), until, q.App, q.App, q.Target, q.Target}, underArgs(q.Type)...)
	if len(q.Versions) > 0 {
		where += " AND k.version IN " + marks(len(q.Versions))
		for _, v := range q.Versions {
			args = append(args, v)
		}
	}
	return where, args
}
