package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// version11 adds regions to targets.
const version11 = `
ALTER TABLE probe_targets RENAME TO old_targets;
CREATE TABLE probe_targets (
	id          INTEGER PRIMARY KEY,
	name        TEXT NOT NULL,
	address     TEXT NOT NULL,
	kind        TEXT NOT NULL,
	region      TEXT NOT NULL,
	data_centre TEXT NOT NULL,
	cluster     TEXT NOT NULL,
	row         TEXT NOT NULL,
	UNIQUE (name, address, kind, region, data_centre, cluster, row)
) STRICT;
INSERT INTO probe_targets SELECT id, name, address, kind, '', data_centre, cluster, row FROM old_targets;
DROP TABLE old_targets;`

// version14 stores which prober found a result.
const version14 = `
ALTER TABLE probes ADD COLUMN version TEXT NOT NULL DEFAULT '';`

// stepJSON is the stored form of a probe's step.
type stepJSON struct {
	Name   string `json:"name"`
	Micros int64  `json:"us"`
}

// AddProbes implements detector.Events.
func (s *Events) AddProbes(ctx context.Context, results []model.ProbeResult) error {
	return s.write(ctx, "storing probe results", func(tx *sql.Tx) error { return insertProbes(tx, results) })
}

func insertProbes(tx *sql.Tx, all []model.ProbeResult) error {
	ids := map[model.ProbeTarget]int64{}
	for i := range all {
		p := &all[i]
		id, known := ids[p.Target]
		if !known {
			var err error
			if id, err = targetID(tx, &p.Target); err != nil {
				return err
			}
			ids[p.Target] = id
		}
		steps, err := encodeSteps(p.Steps)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO probes (at, target, vantage, asn, judgement, outcome, steps, family, server, protocol, status, version)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, p.At.UnixMilli(), id, p.Vantage, p.VantageASN, p.Judgement, string(p.Outcome), steps,
			p.Family, p.Server, p.Protocol, p.Status, p.Version); err != nil {
			return err
		}
	}
	return nil
}

func targetID(tx *sql.Tx, t *model.ProbeTarget) (id int64, err error) {
	args := []any{t.Name, t.Address, t.Kind, t.Region, t.DataCentre, t.Cluster, t.Row}
	if _, err := tx.Exec(`INSERT INTO probe_targets (name, address, kind, region, data_centre, cluster, row) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, args...); err != nil {
		return 0, err
	}
	err = tx.QueryRow(`SELECT id FROM probe_targets WHERE name = ? AND address = ? AND kind = ? AND region = ? AND data_centre = ? AND cluster = ? AND row = ?`,
		args...).Scan(&id)
	return id, err
}

func encodeSteps(steps []model.ProbeStep) (string, error) {
	all := make([]stepJSON, len(steps))
	for i, s := range steps {
		all[i] = stepJSON{s.Name, s.Took.Microseconds()}
	}
	b, err := json.Marshal(all)
	return string(b), err
}

func decodeSteps(text []byte) ([]model.ProbeStep, error) {
	var all []stepJSON
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		return nil, err
	}
	steps := make([]model.ProbeStep, len(all))
	for i, s := range all {
		steps[i] = model.ProbeStep{Name: s.Name, Took: time.Duration(s.Micros) * time.Microsecond}
	}
	return steps, nil
}

const probeColumns = `p.vantage, p.asn, t.name, t.address, t.kind, t.region, t.data_centre, t.cluster, t.row, p.judgement, p.outcome, p.steps,
	p.family, p.server, p.protocol, p.status, p.version`

// scanProbe returns what scans the time and these columns, and more after them.
func scanProbe(more ...any) func(rows *sql.Rows) (model.ProbeResult, error) {
	return func(rows *sql.Rows) (p model.ProbeResult, err error) {
		var at int64
		var steps sql.RawBytes
		t := &p.Target
		if err := rows.Scan(append([]any{&at, &p.Vantage, &p.VantageASN, &t.Name, &t.Address, &t.Kind, &t.Region, &t.DataCentre, &t.Cluster, &t.Row, &p.Judgement,
			&p.Outcome, &steps, &p.Family, &p.Server, &p.Protocol, &p.Status, &p.Version}, more...)...); err != nil {
			return p, err
		}
		p.At = time.UnixMilli(at)
		p.Steps, err = decodeSteps(steps)
		return p, err
	}
}

// ProbeResults implements detector.Events.
func (s *Events) ProbeResults(ctx context.Context, q model.ProbeQuery) ([]model.ProbeResult, error) {
	return sqlitedb.List(ctx, s.asked, "reading probe results", "SELECT p.at, "+probeColumns+` FROM probes p JOIN probe_targets t ON t.id = p.target
		WHERE p.at >= ? AND (? = '' OR t.name = ?) AND (? = '' OR p.vantage = ?) ORDER BY p.at DESC, p.id DESC LIMIT ?`,
		[]any{q.Since.UnixMilli(), q.Target, q.Target, q.Vantage, q.Vantage, answers.Bounded(q.Limit, 100)}, scanProbe())
}

// LatestProbes implements detector.Events.
func (s *Events) LatestProbes(ctx context.Context, since time.Time, f func(model.ProbeResult) error) error {
	// With max() in the list, SQLite takes the other columns from the row with the maximum.
	return sqlitedb.Each(ctx, s.readers, "reading the latest probe results", "SELECT max(p.at), "+probeColumns+` FROM probes p
		JOIN probe_targets t ON t.id = p.target WHERE p.at >= ? GROUP BY t.name, p.vantage`, []any{since.UnixMilli()},
		func(rows *sql.Rows) error {
			p, err := scanProbe()(rows)
			if err != nil {
				return fmt.Errorf("a stored result: %w", err)
			}
			return f(p)
		})
}
