package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/detector/internal/stored"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// What Next reads at most, but at least one row.
const (
	movedRows  = 4000
	movedBytes = 4 << 20
)

// place is where in the order of its key a part is read on.
type place struct {
	Numbers []int64  `json:"n,omitempty"`
	Texts   [][]byte `json:"t,omitempty"` // and blobs
}

// chunk is what one call of Next reads.
type chunk struct {
	stored.Rows
	n     int64
	bytes int // about
	last  place
}

// took counts a row with its place and about how many bytes it has besides its numbers.
func (c *chunk) took(bytes int, last place) {
	c.n, c.bytes, c.last = c.n+1, c.bytes+bytes+200, last
}

// errFull ends a query whose chunk is full.
var errFull = errors.New("full")

// table says how a part is read: in the order of its key, rows whose key is above the arguments.
type table struct {
	query string
	first place
	args  func(p *place) []any
	scan  func(c *chunk, rows *sql.Rows) error
}

const least = math.MinInt64

// Next implements stored.Source.
func (s *Source) Next(ctx context.Context, part stored.Part, after string) (*stored.Rows, int64, string, error) {
	t := moved[part]
	at := t.first
	if after != "" {
		at = place{}
		if err := json.Unmarshal([]byte(after), &at); err != nil {
			return nil, 0, "", fmt.Errorf("reading %s: %q is no place: %w", part, after, err)
		}
	}
	c := &chunk{}
	err := sqlitedb.Each(ctx, s.tx, fmt.Sprintf("reading %s of %s", part, s.path), t.query+fmt.Sprintf(" LIMIT %d", movedRows), t.args(&at), func(rows *sql.Rows) error {
		if err := t.scan(c, rows); err != nil {
			return err
		}
		if c.bytes > movedBytes {
			return errFull
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, 0, "", err
	}
	if c.n == 0 {
		return &c.Rows, 0, "", nil
	}
	next, err := json.Marshal(c.last)
	return &c.Rows, c.n, string(next), err
}

func numbers(p *place) []any {
	args := make([]any, len(p.Numbers))
	for i, n := range p.Numbers {
		args[i] = n
	}
	return args
}

func numbersAndBlobs(p *place) []any {
	args := numbers(p)
	for _, b := range p.Texts {
		args = append(args, blob(b))
	}
	return args
}

func numbersAndText(p *place) []any { return append(numbers(p), string(p.Texts[0])) }

// moved has all parts but pages.
var moved = map[stored.Part]table{
	// by time, so that a chunk has few days
	stored.Batches: {"SELECT id, sealing, frames, feed, received, app, records, asn FROM batches WHERE (received, id, sealing) > (?, ?, ?) ORDER BY received, id, sealing",
		place{[]int64{least}, [][]byte{{}, {}}}, numbersAndBlobs, moveBatch},
	stored.Cells: {"SELECT " + seriesColumns + `, c.bin, c.series, c.raw, c.estimated, c.clients, c.spread, c.places FROM cells c CROSS JOIN series s ON s.id = c.series
		WHERE (c.bin, c.series) > (?, ?) ORDER BY c.bin, c.series`, place{Numbers: []int64{least, least}}, numbers, moveCell},
	stored.Samples: {"SELECT " + sampleColumns + ", id, client FROM samples WHERE id > ? ORDER BY id", place{Numbers: []int64{least}}, numbers, moveSample},
	stored.Probes: {"SELECT p.at, " + probeColumns + ", p.id FROM probes p CROSS JOIN probe_targets t ON t.id = p.target WHERE p.id > ? ORDER BY p.id",
		place{Numbers: []int64{least}}, numbers, moveProbe},
	stored.Sums: {`SELECT r.step, r.at, r.key, r.raw, r.estimated, r.clients, k.app, k.version, k.os, k.target, k.outcome, k.asn, k.country, k.source
		FROM rollups r CROSS JOIN rollup_keys k ON k.id = r.key WHERE (r.step, r.at, r.key) > (?, ?, ?) ORDER BY r.step, r.at, r.key`,
		place{Numbers: []int64{least, least, least}}, numbers, moveSum},
	stored.Durations: {"SELECT step, at, target, latency FROM latencies WHERE (step, at, target) > (?, ?, ?) ORDER BY step, at, target",
		place{[]int64{least, least}, [][]byte{{}}}, numbersAndText, moveDuration},
	stored.Causes: {`SELECT app, fingerprint, type, outcome, asn, first, last, first_version, last_version, errors FROM fingerprints
		WHERE (app, fingerprint) > (?, ?) ORDER BY app, fingerprint`, place{Texts: [][]byte{{}, {}}}, func(p *place) []any { return []any{string(p.Texts[0]), blob(p.Texts[1])} }, moveCause},
}

func moveBatch(c *chunk, rows *sql.Rows) error {
	var v stored.Batch
	var id, sealing []byte
	if err := rows.Scan(&id, &sealing, &v.Frames, &v.Feed, &v.Received, &v.App, &v.Records, &v.ASN); err != nil {
		return err
	}
	copy(v.ID[:], id)
	copy(v.Sealing[:], sealing)
	c.Batches = append(c.Batches, v)
	c.took(len(v.Feed)+len(v.App), place{[]int64{v.Received}, [][]byte{id, sealing}})
	return nil
}

func moveCell(c *chunk, rows *sql.Rows) error {
	var v stored.Cell
	var series int64
	if err := rows.Scan(append(seriesFields(&v.Series), &v.Bin, &series, &v.Raw, &v.Estimated, &v.Clients, &v.Spread, &v.Places)...); err != nil {
		return err
	}
	var clients sketch.Clients
	var spread sketch.Spread
	var places sketch.Places
	if err := errors.Join(clients.Decode(v.Clients), spread.Decode(v.Spread), places.Decode(v.Places)); err != nil {
		return fmt.Errorf("the sum of series %d at %s is damaged: %w", series, time.UnixMilli(v.Bin).UTC().Format(time.RFC3339), err)
	}
	c.Cells = append(c.Cells, v)
	c.took(len(v.Clients)+len(v.Spread)+len(v.Places), place{Numbers: []int64{v.Bin, series}})
	return nil
}

func moveSample(c *chunk, rows *sql.Rows) error {
	var id, client int64
	v, err := scanSample(&id, &client)(rows)
	if err != nil {
		return err
	}
	v.Client = uint64(client)
	c.Moved = append(c.Moved, v)
	c.took(len(v.URL)+len(v.Target)+len(v.Error.Message)+len(v.Error.Stack), place{Numbers: []int64{id}})
	return nil
}

func moveProbe(c *chunk, rows *sql.Rows) error {
	var id int64
	v, err := scanProbe(&id)(rows)
	if err != nil {
		return err
	}
	c.Probes = append(c.Probes, v)
	c.took(40*len(v.Steps), place{Numbers: []int64{id}})
	return nil
}

func moveSum(c *chunk, rows *sql.Rows) error {
	var v stored.Sum
	var key int64
	k := &v.Key
	if err := rows.Scan(&v.Step, &v.At, &key, &v.Raw, &v.Estimated, &v.Clients, &k.App, &k.Version, &k.OS, &k.Target, &k.Outcome, &k.ASN, &k.Country, &k.Source); err != nil {
		return err
	}
	c.Sums = append(c.Sums, v)
	c.took(len(v.Clients), place{Numbers: []int64{v.Step, v.At, key}})
	return nil
}

func moveDuration(c *chunk, rows *sql.Rows) error {
	var v stored.Duration
	if err := rows.Scan(&v.Step, &v.At, &v.Target, &v.Latency); err != nil {
		return err
	}
	c.Durations = append(c.Durations, v)
	c.took(len(v.Latency), place{[]int64{v.Step, v.At}, [][]byte{[]byte(v.Target)}})
	return nil
}

func moveCause(c *chunk, rows *sql.Rows) error {
	var v stored.Cause
	var print []byte
	if err := rows.Scan(&v.App, &print, &v.Type, &v.Outcome, &v.ASN, &v.First, &v.Last, &v.FirstVersion, &v.LastVersion, &v.Errors); err != nil {
		return err
	}
	copy(v.Fingerprint[:], print)
	c.Causes = append(c.Causes, v)
	c.took(len(v.App)+len(v.Type), place{Texts: [][]byte{[]byte(v.App), print}})
	return nil
}
