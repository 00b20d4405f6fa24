//go:build cgo

package clickhousestore

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/heliograph-net/heliograph/model"
)

// table is a table that blocks are inserted into.
type table struct {
	number int    // among tables
	insert string // the statement, with all columns
	// has selects the days of which the table has a block, whose number is its argument; "" if
	// inserting twice changes nothing
	has string
	// rows returns the rows of a block by day, in Unix seconds
	rows func(b *block, listed *seriesListed) map[int64][][]any
}

// tables are all tables. The batches come last, so that what has the ids of a block has everything
// of it.
var tables = []table{
	{1, "INSERT INTO series (day, id, delivery, app, target, outcome, protocol, status, server, asn, country, source, flags)", "", seriesRows},
	{2, "INSERT INTO cells (day, bin, series, delivery, asn, raw, estimated, clients, spread, places, block)", hasBlock("cells"), cellRows},
	{3, `INSERT INTO samples (day, at, seq, app, version, os, source, target, url, method, outcome, phase, protocol, server, status, elapsed, trace, flags,
		asn, country, error_type, message, stack, fingerprint, count, client, block)`, hasBlock("samples"), sampleRows},
	{4, `INSERT INTO probes (day, at, seq, vantage, vantage_asn, name, address, kind, region, data_centre, cluster, row, judgement, outcome, step_names, step_us,
		family, server, protocol, status, version, block)`, hasBlock("probes"), probeRows},
	{5, "INSERT INTO rollups_in (day, mark, step, at, app, version, os, target, outcome, asn, country, source, reported, requests, sketch)", hasMark("rollups"), sumRows},
	{6, "INSERT INTO latencies (day, mark, step, at, target, bucketsMap.bucket, bucketsMap.requests)", hasMark("latencies"), durationRows},
	{7, "INSERT INTO causes_in (mark, app, fingerprint, error_type, error_outcome, network, at, version, n)", "SELECT DISTINCT toDate(0) FROM causes WHERE mark = ?", causeRows},
	{8, "INSERT INTO batches (day, id, sealing, frames, again, feed, received, app, records, asn, block)", hasBlock("batches"), batchRows},
}

func hasBlock(table string) string { return "SELECT DISTINCT day FROM " + table + " WHERE block = ?" }
func hasMark(table string) string  { return "SELECT DISTINCT day FROM " + table + " WHERE mark = ?" }

// insertRows inserts rows of one day in one statement, which the server carries out as a whole or
// not at all.
func (s *Events) insertRows(ctx context.Context, t *table, id string, rows [][]any) (err error) {
	ctx, done := s.within(ctx)
	defer done()
	begun := time.Now()
	defer func() { s.metrics.observe("insert", begun, err) }()
	batch, err := s.conn.PrepareBatch(clickhouse.Context(ctx, clickhouse.WithQueryID(id)), t.insert)
	if err != nil {
		return s.named("inserting", err)
	}
	for _, row := range rows {
		if err := batch.Append(row...); err != nil {
			_ = batch.Abort()
			return s.named("inserting", err)
		}
	}
	if err := batch.Send(); err != nil {
		return s.named("inserting", err)
	}
	s.metrics.rows.Add(float64(len(rows)))
	return nil
}

// byDay collects rows by day.
type byDay map[int64][][]any

func (d byDay) add(day time.Time, row ...any) {
	d[day.Unix()] = append(d[day.Unix()], row)
}

// mark adds the mark of a block to each day.
func (d byDay) mark(row func(day time.Time) []any) byDay {
	for day := range d {
		d.add(time.Unix(day, 0).UTC(), row(time.Unix(day, 0).UTC())...)
	}
	return d
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func cellRows(b *block, _ *seriesListed) map[int64][][]any {
	rows := byDay{}
	for i := range b.Cells {
		c := &b.Cells[i]
		rows.add(dayOf(c.Bin), dayOf(c.Bin), c.Bin, seriesID(&c.Series), flag(c.Series.Delivery()), c.Series.ASN, most(c.Raw), c.Estimated,
			string(c.Clients), string(c.Spread), string(c.Places), b.number)
	}
	return rows
}

// seriesRows returns the series that are not listed for a day yet.
func seriesRows(b *block, listed *seriesListed) map[int64][][]any {
	rows := byDay{}
	seen := map[listedSeries]bool{}
	for i := range b.Cells {
		v := &b.Cells[i].Series
		day := dayOf(b.Cells[i].Bin)
		key := listedSeries{day.Unix(), seriesID(v)}
		if seen[key] || listed.has(key) {
			continue
		}
		seen[key] = true
		rows.add(day, day, key.id, flag(v.Delivery()), v.App, v.Target, string(v.Outcome), v.Protocol, v.Status, v.Server, v.ASN, v.Country,
			uint8(v.Source), uint64(v.Flags))
	}
	return rows
}

func batchRows(b *block, _ *seriesListed) map[int64][][]any {
	rows := byDay{}
	for i := range b.Batches {
		v := &b.Batches[i]
		rows.add(dayOf(v.Received), dayOf(v.Received), v.ID[:], v.Sealing[:], uint32(v.Frames), flag(v.Again), v.Feed, v.Received, v.App, uint32(v.Records), v.ASN, b.number)
	}
	return rows
}

func sampleRows(b *block, _ *seriesListed) map[int64][][]any {
	rows := byDay{}
	samples := slices.Concat(b.Samples, b.Moved)
	for i := range samples {
		v := &samples[i]
		at := v.At.UnixMilli()
		rows.add(dayOf(at), dayOf(at), at, uint32(i), v.App, v.Version, v.OS, uint8(v.Source), v.Target, v.URL, v.Method, string(v.Outcome), string(v.Phase),
			v.Protocol, v.Server, v.Status, v.Elapsed.Milliseconds(), v.TraceID[:], uint64(v.Flags), v.ASN, v.Country, v.Error.Type, v.Error.Message,
			v.Error.Stack, v.Error.Fingerprint[:], v.Error.Count, v.Client, b.number)
	}
	return rows
}

func probeRows(b *block, _ *seriesListed) map[int64][][]any {
	rows := byDay{}
	for i := range b.Probes {
		p := &b.Probes[i]
		names, took := make([]string, len(p.Steps)), make([]int64, len(p.Steps))
		for j, step := range p.Steps {
			names[j], took[j] = step.Name, step.Took.Microseconds()
		}
		at, t := p.At.UnixMilli(), &p.Target
		rows.add(dayOf(at), dayOf(at), at, uint32(i), p.Vantage, p.VantageASN, t.Name, t.Address, t.Kind, t.Region, t.DataCentre, t.Cluster, t.Row,
			uint8(p.Judgement), string(p.Outcome), names, took, p.Family, p.Server, p.Protocol, p.Status, p.Version, b.number)
	}
	return rows
}

// maxRaw is the most reported requests that one row adds to a sum of ClickHouse, which does not
// saturate.
const maxRaw = 1 << 55

func sumRows(b *block, _ *seriesListed) map[int64][][]any {
	rows := byDay{}
	for i := range b.Sums {
		v := &b.Sums[i]
		k := &v.Key
		rows.add(dayOf(v.At), dayOf(v.At), uint64(0), v.Step, v.At, k.App, k.Version, k.OS, k.Target, string(k.Outcome), k.ASN, k.Country, uint8(k.Source),
			min(v.Raw, maxRaw), v.Estimated, string(v.Clients))
	}
	return rows.mark(func(day time.Time) []any {
		return []any{day, b.number, int64(0), int64(0), "", "", "", "", "", uint32(0), "", uint8(0), uint64(0), 0.0, ""}
	})
}

func durationRows(b *block, _ *seriesListed) map[int64][][]any {
	rows := byDay{}
	for i := range b.Durations {
		v := &b.Durations[i]
		var l model.Latency
		if l.Decode(v.Latency) != nil {
			continue // damaged durations are given up, as in SQLite
		}
		var buckets []uint8
		var requests []float64
		for bucket, n := range l {
			if n > 0 {
				buckets, requests = append(buckets, uint8(bucket)), append(requests, n)
			}
		}
		rows.add(dayOf(v.At), dayOf(v.At), uint64(0), v.Step, v.At, v.Target, buckets, requests)
	}
	// the table drops rows whose sums are 0
	return rows.mark(func(day time.Time) []any {
		return []any{day, b.number, int64(0), int64(0), "", []uint8{0}, []float64{1}}
	})
}

func causeRows(b *block, _ *seriesListed) map[int64][][]any {
	rows := byDay{}
	for i := range b.Samples {
		v := &b.Samples[i]
		if v.Error.Fingerprint == [16]byte{} {
			continue
		}
		rows.add(dayOf(0), uint64(0), v.App, v.Error.Fingerprint[:], v.Error.Type, string(v.Outcome), v.ASN, v.At.UnixMilli(), v.Version, min(v.Error.Count, 1<<40))
	}
	for i := range b.Causes {
		v := &b.Causes[i]
		rows.add(dayOf(0), uint64(0), v.App, v.Fingerprint[:], v.Type, v.Outcome, v.ASN, v.First, v.FirstVersion, v.Errors)
		rows.add(dayOf(0), uint64(0), v.App, v.Fingerprint[:], v.Type, v.Outcome, v.ASN, v.Last, v.LastVersion, uint64(0))
	}
	return rows.mark(func(time.Time) []any {
		var none [16]byte
		binary.BigEndian.PutUint64(none[8:], b.number)
		return []any{b.number, "", none[:], "", "", uint32(0), int64(0), "", uint64(0)}
	})
}

// listedSeries is a series of a day.
type listedSeries struct {
	day int64 // Unix seconds
	id  uint64
}

// seriesListed remembers which series table series has. It may forget.
type seriesListed struct {
	mu  sync.Mutex
	all map[listedSeries]struct{}
}

// maxListed is how many are remembered.
const maxListed = 500_000

func (l *seriesListed) has(key listedSeries) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.all[key]
	return ok
}

func (l *seriesListed) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
}

// add adds the series of a block that was inserted.
func (l *seriesListed) add(b *block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil || len(l.all) > maxListed {
		l.all = map[listedSeries]struct{}{}
	}
	for i := range b.Cells {
		l.all[listedSeries{dayOf(b.Cells[i].Bin).Unix(), seriesID(&b.Cells[i].Series)}] = struct{}{}
	}
}
