package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
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

// Latencies implements detector.Events. Steps that are damaged are left out.
func (s *Events) Latencies(ctx context.Context, q model.LatencyQuery) (all []model.LatencyStep, err error) {
	err = sqlitedb.Each(ctx, s.readers, "reading durations", "SELECT at, target, latency FROM latencies WHERE step = ? AND at >= ? AND at < ? ORDER BY at, target",
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
