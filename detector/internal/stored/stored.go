// Package stored has the rows of a store of events as they are stored. They wait so in the journal
// of one store, and go so from one store to another.
package stored

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Rows are rows of all tables. They are kept as encoding/gob encodes them, which passes over fields
// that a release does not know, so names of fields must not change. Times are Unix milliseconds.
type Rows struct {
	Batches   []Batch
	Cells     []Cell
	Samples   []model.Sample
	Probes    []model.ProbeResult
	Sums      []Sum
	Durations []Duration
	// Moved are samples of another store, and Causes its causes of application errors. Those of
	// Samples follow from these, but Causes also know of samples that are gone.
	Moved  []model.Sample
	Causes []Cause
}

// Batch is the id of a batch.
type Batch struct {
	ID, Sealing [16]byte // a Sealing of zeros is that of any batch with the id
	Frames      int
	Again       bool // fewer of its frames were known
	Feed, App   string
	Received    int64
	Records     int
	ASN         uint32
}

// Cell is a sum of a series and a bin.
type Cell struct {
	Series                  model.Series
	Bin                     int64 // its end
	Raw                     uint64
	Estimated               float64
	Clients, Spread, Places []byte // encoded sketches
}

// Sum is a rollup of a minute or an hour.
type Sum struct {
	Step, At  int64
	Key       model.RollupKey
	Raw       uint64
	Estimated float64
	Clients   []byte // sketch.Clients
}

// Duration is how long requests of a minute or an hour took.
type Duration struct {
	Step, At int64
	Target   string
	Latency  []byte // model.Latency
}

// Cause is what is known of a cause of application errors.
type Cause struct {
	App                       string
	Fingerprint               [16]byte
	Type, Outcome             string
	ASN                       uint32
	First, Last               int64
	FirstVersion, LastVersion string
	Errors                    uint64
}

// Page is a page of rows that wait to be judged.
type Page struct {
	Number  uint64
	Arrived int64
	Rows    []byte // detector.EncodeRows
}

// Part is a kind of rows.
type Part string

// The parts of a store, in the order in which they are moved. Pages come last, because they make a
// judge go on.
const (
	Batches   Part = "batches"
	Cells     Part = "cells"
	Samples   Part = "samples"
	Probes    Part = "probes"
	Sums      Part = "rollups"
	Durations Part = "latencies"
	Causes    Part = "fingerprints"
	Pages     Part = "unjudged"
)

// Parts are all parts.
var Parts = []Part{Batches, Cells, Samples, Probes, Sums, Durations, Causes, Pages}

// Day is what a part has of a UTC day, for comparing two stores.
type Day struct {
	Rows int64
	Sums [2]float64 // of two columns that both stores agree upon
}

// Days are days by their numbers, from 1 January 1970. What has no time is all in day 0.
type Days map[int64]Day

// Source is a store that rows are read from. Nothing else changes it meanwhile.
type Source interface {
	// Identity describes the state of the store. It changes when anything is added.
	Identity(ctx context.Context) (string, error)
	// Count returns how many rows a part has.
	Count(ctx context.Context, part Part) (int64, error)
	// Next returns rows of a part that follow a place, which is "" at first, their number, and the
	// place after them, which is "" if there are no more. They take some megabytes.
	Next(ctx context.Context, part Part, after string) (rows *Rows, n int64, next string, err error)
	// NextPages is like Next, for pages.
	NextPages(ctx context.Context, after uint64) (pages []Page, err error)
	// LastPage returns the highest number that a page ever had.
	LastPage(ctx context.Context) (uint64, error)
	// Days sums a part by day, but not pages.
	Days(ctx context.Context, part Part) (Days, error)
	Close() error
}

// DayMS is a day in milliseconds.
const DayMS = int64(24 * time.Hour / time.Millisecond)
