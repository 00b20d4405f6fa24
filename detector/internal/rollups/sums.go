package rollups

import (
	"crypto/rand"
	"database/sql"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// Merge is what becomes of a stored sum (raw, estimated, clients) when the same is inserted again.
// It needs the functions of [Register].
const Merge = ` ON CONFLICT DO UPDATE SET
	raw = CASE WHEN raw > 9223372036854775807 - excluded.raw THEN 9223372036854775807 ELSE raw + excluded.raw END,
	estimated = min(estimated + excluded.estimated, 1.7976931348623157e308),
	clients = coalesce(merge_clients(clients, excluded.clients), x'')`

// Register gives a connection these functions; an empty set may become NULL. A stored value (a)
// that is damaged is given up, because otherwise nothing could be stored any more.
//
//	merge_clients(a, b)    the union of two sets of clients
//	merge_latencies(a, b)  the sum of two sums of durations
func Register(conn *sqlite3.SQLiteConn) error {
	if err := conn.RegisterFunc("merge_clients", mergeClients, true); err != nil {
		return err
	}
	return conn.RegisterFunc("merge_latencies", mergeLatencies, true)
}

func mergeClients(a, b []byte) ([]byte, error) {
	var x, y sketch.Clients
	if err := x.Decode(a); err != nil {
		return b, nil
	}
	if err := y.Decode(b); err != nil {
		return nil, err
	}
	x.Merge(&y)
	return x.Append(a[:0]), nil
}

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

// Steps calls f for cells of minutes, and then for those of the hours that they make up, without
// those of durations, which are asked for by minutes only.
func Steps(cells []detector.RollupCell, f func(step time.Duration, c *detector.RollupCell) error) error {
	for i := range cells {
		if err := f(model.RollupMinute, &cells[i]); err != nil {
			return err
		}
	}
	for _, hour := range hours(cells) {
		if err := f(model.RollupHour, hour); err != nil {
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
			continue
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

// AddDurations adds the durations of batches to the minutes and hours in a table with the columns
// step, at, target and latency, of which the first three are its key.
func AddDurations(tx *sql.Tx, table string, batches []*detector.Batch) error {
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
		if _, err := tx.Exec("INSERT INTO "+table+` (step, at, target, latency) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET latency = merge_latencies(latency, excluded.latency)`, k.step, k.at, k.target, sum.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// ErrorKey is the key under which the clients of application errors are hashed. It is in memory
// only, and new each day, so that nobody can find a client's errors by its token. It is not safe
// for concurrent use.
type ErrorKey struct {
	key sketch.Key
	day int64 // from 1 January 1970
}

// RollUp sums the application errors among samples.
func (k *ErrorKey) RollUp(samples []model.Sample) []detector.RollupCell {
	var errs []model.Sample
	for i := range samples {
		if samples[i].Error.Fingerprint != [16]byte{} {
			errs = append(errs, samples[i])
		}
	}
	if day := time.Now().Unix() / (24 * 3600); day != k.day {
		k.day = day
		rand.Read(k.key[:]) // never fails
	}
	return detector.RollUpErrors(errs, func(client uint64) uint64 { return sketch.Hash(k.key, client) })
}
