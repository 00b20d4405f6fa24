//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// lateness is how long after its end a minute or an hour still gets most of what comes late. What
// comes later is another row of ClickHouse.
const lateness = 2 * time.Minute

// addSums adds rollups of minutes to the sums in the journal, by minute and by hour.
func addSums(tx *sql.Tx, cells []detector.RollupCell) error {
	type key struct {
		step, at int64
		model.RollupKey
	}
	sums := map[key]*detector.RollupCell{}
	for i := range cells {
		for _, step := range [...]time.Duration{model.RollupMinute, model.RollupHour} {
			c := cells[i]
			if step == model.RollupHour && c.OfDurations() {
				continue // asked for by minutes only
			}
			k := key{step.Milliseconds(), c.At.Truncate(step).UnixMilli(), c.RollupKey}
			if sum := sums[k]; sum != nil {
				sum.Merge(&c)
				continue
			}
			c.Clients = c.Clients.Clone()
			sums[k] = &c
		}
	}
	for k, sum := range sums {
		if err := addSum(tx, k.step, k.at, sum); err != nil {
			return err
		}
	}
	return nil
}

const sumKey = "step = ? AND at = ? AND app = ? AND version = ? AND os = ? AND target = ? AND outcome = ? AND asn = ? AND country = ? AND source = ?"

func addSum(tx *sql.Tx, step, at int64, c *detector.RollupCell) error {
	k := &c.RollupKey
	key := []any{step, at, k.App, k.Version, k.OS, k.Target, string(k.Outcome), k.ASN, k.Country, k.Source}
	var raw int64
	var estimated float64
	var encoded []byte
	err := tx.QueryRow("SELECT raw, estimated, clients FROM sums WHERE "+sumKey, key...).Scan(&raw, &estimated, &encoded)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		var clients sketch.Clients
		if clients.Decode(encoded) == nil { // damaged ones are given up
			c.Clients.Merge(&clients)
		}
	}
	_, err = tx.Exec("INSERT OR REPLACE INTO sums (step, at, app, version, os, target, outcome, asn, country, source, raw, estimated, clients) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		append(key, int64(min(sketch.Sum(c.Raw, uint64(raw)), math.MaxInt64)), min(c.Estimated+estimated, math.MaxFloat64), blob(c.Clients.Append(nil)))...)
	return err
}

// blob returns b as a value that is not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// addDurations adds the durations of batches to the sums in the journal.
func addDurations(tx *sql.Tx, batches []*detector.Batch) error {
	type key struct {
		step, at int64
		target   string
	}
	sums := map[key]*model.Latency{}
	for _, b := range batches {
		for i := range b.Timed {
			t := &b.Timed[i]
			for _, step := range [...]time.Duration{model.RollupMinute, model.RollupHour} {
				k := key{step.Milliseconds(), t.At.Truncate(step).UnixMilli(), t.Target}
				if sums[k] == nil {
					sums[k] = new(model.Latency)
				}
				sums[k].Add(t.Histogram, t.Weight)
			}
		}
	}
	for k, sum := range sums {
		var encoded []byte
		err := tx.QueryRow("SELECT latency FROM durations WHERE step = ? AND at = ? AND target = ?", k.step, k.at, k.target).Scan(&encoded)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var stored model.Latency
		if stored.Decode(encoded) == nil { // damaged ones are given up
			sum.Merge(&stored)
		}
		if _, err := tx.Exec("INSERT OR REPLACE INTO durations (step, at, target, latency) VALUES (?, ?, ?, ?)", k.step, k.at, k.target, blob(sum.Append(nil))); err != nil {
			return err
		}
	}
	return nil
}

// moveSums inserts the sums of minutes and hours that were over some time before now. Queries that
// read both the journal and ClickHouse wait meanwhile.
func (s *Events) moveSums(ctx context.Context, now time.Time) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	if err := s.takeSums(ctx, now.Add(-lateness).UnixMilli()); err != nil {
		return err
	}
	return s.settle(ctx)
}

// takeSums makes a row of the journal of sums, in one transaction.
func (s *Events) takeSums(ctx context.Context, before int64) error {
	s.rolling.Lock()
	defer s.rolling.Unlock()
	s.appending.Lock()
	defer s.appending.Unlock()
	c, err := s.sumsOver(ctx, before)
	if err != nil || c.empty() {
		return err
	}
	return s.store(ctx, "moving sums", c, func(tx *sql.Tx, _ int64) error {
		for _, table := range []string{"sums", "durations"} {
			if _, err := tx.Exec("DELETE FROM "+table+" WHERE at + step <= ?", before); err != nil {
				return err
			}
		}
		return nil
	})
}

// sumsOver reads the sums of steps that ended before a time in Unix milliseconds.
func (s *Events) sumsOver(ctx context.Context, before int64) (*content, error) {
	var c content
	if err := s.readJournal(ctx, "reading sums", "SELECT step, at, app, version, os, target, outcome, asn, country, source, raw, estimated, clients FROM sums WHERE at + step <= ?",
		[]any{before}, func(rows *sql.Rows) error {
			v, err := scanSum(rows)
			c.Sums = append(c.Sums, v)
			return err
		}); err != nil {
		return nil, err
	}
	err := s.readJournal(ctx, "reading durations", "SELECT step, at, target, latency FROM durations WHERE at + step <= ?", []any{before}, func(rows *sql.Rows) error {
		v, err := scanDuration(rows)
		c.Durations = append(c.Durations, v)
		return err
	})
	return &c, err
}

func scanSum(rows *sql.Rows) (v sumRow, err error) {
	k := &v.Key
	var raw int64
	err = rows.Scan(&v.Step, &v.At, &k.App, &k.Version, &k.OS, &k.Target, &k.Outcome, &k.ASN, &k.Country, &k.Source, &raw, &v.Estimated, &v.Clients)
	v.Raw = uint64(raw)
	return v, err
}

func scanDuration(rows *sql.Rows) (v durationRow, err error) {
	err = rows.Scan(&v.Step, &v.At, &v.Target, &v.Latency)
	return v, err
}
