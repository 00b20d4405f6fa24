package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// version18 stores how long requests took that succeeded, by minute, hour and target.
const version18 = `
CREATE TABLE latencies (
	step    INTEGER NOT NULL, -- 60000 or 3600000 ms
	at      INTEGER NOT NULL, -- when the step begins
	target  TEXT NOT NULL,
	latency BLOB NOT NULL,    -- model.Latency
	PRIMARY KEY (step, at, target)
) STRICT, WITHOUT ROWID;`

// addLatencies adds the durations of batches to the stored minutes and hours.
func addLatencies(tx *sql.Tx, batches []*detector.Batch) error {
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
		if _, err := tx.Exec(`INSERT INTO latencies (step, at, target, latency) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET latency = merge_latencies(latency, excluded.latency)`, k.step, k.at, k.target, sum.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// mergeLatencies returns the sum of two latencies. A stored one that is damaged is given up,
// because otherwise nothing could be stored any more.
func mergeLatencies(a, b []byte) ([]byte, error) {
	var x, y model.Latency
	if err := x.Decode(a); err != nil {
		return b, nil
	}
	if err := y.Decode(b); err != nil {
		return nil, err
	}
	x.Merge(&y)
	return x.Append(nil), nil
}

// Latencies implements detector.Events. Steps that are damaged are left out.
func (s *Events) Latencies(ctx context.Context, q model.LatencyQuery) (all []model.LatencyStep, err error) {
	err = each(ctx, s.readers, "reading durations", "SELECT at, target, latency FROM latencies WHERE step = ? AND at >= ? AND at < ? ORDER BY at, target",
		[]any{q.Step.Milliseconds(), q.Since.UnixMilli(), q.Until.UnixMilli()}, func(rows *sql.Rows) error {
			var at int64
			var v model.LatencyStep
			var encoded sql.RawBytes
			if err := rows.Scan(&at, &v.Target, &encoded); err != nil {
				return err
			}
			if v.Latency.Decode(encoded) == nil {
				v.At = time.UnixMilli(at)
				all = append(all, v)
			}
			return nil
		})
	return all, err
}
