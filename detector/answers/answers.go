// Package answers computes what queries over cells and rollups answer, whatever database has them.
// Implementations of detector.Events use it, so that all of them give the same answers and show the
// same share of what one place reports. Start with [Reader].
package answers

import (
	"context"

	"github.com/heliograph-net/heliograph/model"
)

// Limits of what one query reads and keeps in memory.
const (
	MaxCells   = 4_000_000 // some ten seconds
	MaxSeries  = 300_000   // some 100 MB
	MaxGroups  = 50_000    // each with a set of clients of a kilobyte
	MaxRollups = 2_000_000
)

// Store is what a database has to do for a [Reader].
type Store interface {
	// Begin waits until a query that reads much may run, and refuses one that would read more than
	// MaxCells, with a *model.CostError. If err is nil, the caller must call done afterwards.
	Begin(ctx context.Context, q model.TotalsQuery) (done func(), err error)
	// EachSeen calls f for every series of the cells that q selects by time and by Delivery, until
	// f returns an error. f may not keep s. It numbers series as EachCell does.
	EachSeen(ctx context.Context, q model.TotalsQuery, f func(id uint64, s *model.Series) error) error
	// EachCell calls f for these cells in the order of their bins, until f returns an error.
	// Without clients, it may leave out Cell.Clients. f may not keep c or its bytes. A series may
	// have several cells in a bin, which are to be summed.
	EachCell(ctx context.Context, q model.TotalsQuery, clients bool, f func(c *Cell) error) error
}

// Cell is a cell of a series as it is stored.
type Cell struct {
	Bin       int64 // its end in Unix milliseconds
	Series    uint64
	Estimated float64
	Clients   []byte // encoded sketch.Clients
	Places    []byte // encoded sketch.Places
}

// Reader answers queries from a store. It is safe for concurrent use if the store is.
type Reader struct {
	Store     Store
	MaxSeries int // that one query may meet
	MaxGroups int // that one query may make
}

// Bounded returns the number of rows of an answer: limit, or otherwise if that is not positive, but
// at most model.MaxRows.
func Bounded(limit, otherwise int) int {
	if limit <= 0 {
		limit = otherwise
	}
	return min(limit, model.MaxRows)
}
