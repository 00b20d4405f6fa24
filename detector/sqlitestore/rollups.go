package sqlitestore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
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

// rolledAtOnce is about how many bytes of encoded rows one transaction adds to the rollups.
const rolledAtOnce = 16 << 20

// errorRollups adds application errors to the rollups. Their clients are hashed under a key that is
// in memory only, and new each day, so that nobody can find a client's errors by its token.
func (a *appending) errorRollups() error {
	var errs []model.Sample
	for _, b := range a.fresh {
		for i := range b.Samples {
			if b.Samples[i].Error.Fingerprint != [16]byte{} {
				errs = append(errs, b.Samples[i])
			}
		}
	}
	if day := time.Now().UnixMilli() / dayMS; day != a.errorKeyDay {
		a.errorKeyDay = day
		rand.Read(a.errorKey[:]) // never fails
	}
	return addRollups(a.tx, detector.RollUpErrors(errs, func(client uint64) uint64 { return sketch.Hash(a.errorKey, client) }))
}

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
			if err := addRollups(tx, cells); err != nil {
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
	err = each(ctx, s.readers, "reading what was judged", "SELECT number, rows FROM unjudged WHERE number <= ? ORDER BY number", []any{int64(min(upTo, math.MaxInt64))},
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

// addRollups adds cells to the stored minutes and hours.
func addRollups(tx *sql.Tx, cells []detector.RollupCell) error {
	w := rollupWriter{tx: tx, ids: map[model.RollupKey]int64{}}
	for i := range cells {
		if err := w.write(model.RollupMinute, &cells[i]); err != nil {
			return err
		}
	}
	for _, hour := range hours(cells) {
		if err := w.write(model.RollupHour, hour); err != nil {
			return err
		}
	}
	return nil
}

// hours sums the cells of minutes by hour, but for those of durations.
func hours(cells []detector.RollupCell) (all []*detector.RollupCell) {
	type key struct {
		at int64
		model.RollupKey
	}
	known := map[key]*detector.RollupCell{}
	for i := range cells {
		c := cells[i]
		if c.OfDurations() {
			continue // asked for by minutes only
		}
		c.At = c.At.Truncate(time.Hour)
		k := key{c.At.UnixMilli(), c.RollupKey}
		if h := known[k]; h != nil {
			h.Merge(&c)
			continue
		}
		c.Clients = c.Clients.Clone()
		known[k] = &c
		all = append(all, &c)
	}
	return all
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
	_, err = w.tx.Exec(`INSERT INTO rollups (step, at, key, raw, estimated, clients) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
		raw = CASE WHEN raw > 9223372036854775807 - excluded.raw THEN 9223372036854775807 ELSE raw + excluded.raw END,
		estimated = estimated + excluded.estimated, clients = coalesce(merge_clients(clients, excluded.clients), x'')`,
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
	if err := each(ctx, s.asked, "reading rollups", `SELECT r.at, r.raw, r.estimated, r.clients, k.app, k.version, k.os, k.target, k.outcome, k.asn, k.country, k.source
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
