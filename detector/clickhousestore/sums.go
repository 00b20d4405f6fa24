//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/detector/internal/stored"
)

// lateness is how long after its end a minute or an hour still gets most of what comes late. What
// comes later is another row of ClickHouse.
const lateness = 2 * time.Minute

// addSums adds rollups of minutes to the sums in the journal, by minute and by hour.
func addSums(tx *sql.Tx, cells []detector.RollupCell) error {
	return rollups.Steps(cells, func(step time.Duration, c *detector.RollupCell) error {
		k := &c.RollupKey
		_, err := tx.Exec("INSERT INTO sums (step, at, app, version, os, target, outcome, asn, country, source, raw, estimated, clients) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"+rollups.Merge,
			step.Milliseconds(), c.At.UnixMilli(), k.App, k.Version, k.OS, k.Target, string(k.Outcome), k.ASN, k.Country, k.Source,
			int64(most(c.Raw)), min(c.Estimated, math.MaxFloat64), blob(c.Clients.Append(nil)))
		return err
	})
}

// blob returns b as a value that is not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// writeSums runs a transaction that adds to the sums, while none are taken out of the journal.
func (s *Events) writeSums(ctx context.Context, doing string, do func(tx *sql.Tx) error) error {
	s.summing.Lock()
	defer s.summing.Unlock()
	return s.write(ctx, doing, do)
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
	s.summing.Lock()
	defer s.summing.Unlock()
	s.appending.Lock()
	defer s.appending.Unlock()
	c, err := s.sumsOver(ctx, before)
	if err != nil || c.empty() {
		return err
	}
	return s.store(ctx, "moving sums", []addition{{content: *c}}, func(tx *sql.Tx) error {
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

func scanSum(rows *sql.Rows) (v stored.Sum, err error) {
	k := &v.Key
	var raw int64
	err = rows.Scan(&v.Step, &v.At, &k.App, &k.Version, &k.OS, &k.Target, &k.Outcome, &k.ASN, &k.Country, &k.Source, &raw, &v.Estimated, &v.Clients)
	v.Raw = uint64(raw)
	return v, err
}

func scanDuration(rows *sql.Rows) (v stored.Duration, err error) {
	err = rows.Scan(&v.Step, &v.At, &v.Target, &v.Latency)
	return v, err
}
