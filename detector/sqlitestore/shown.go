package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/heliograph-net/heliograph/detector/shown"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// shownCell is a cell that a query reads.
type shownCell struct {
	*seen
	bin       int64
	estimated float64
	places    sketch.Places
}

// binReader reads cells and passes them on together with what is shown of them.
type binReader struct {
	known map[int64]*seen
	// met is called for each cell that is wanted, with its encoded set of clients; may be nil
	met func(c *shownCell, clients []byte) error
	// counted is called for each cell that is wanted when its bin is complete; counts is what is
	// shown of its estimated requests
	counted func(c *shownCell, counts float64)

	end   int64 // of the current bin
	bin   shown.Bin
	cells []shownCell
}

// read reads the cells that q selects, bin by bin. It reads those of all outcomes and targets,
// because what is shown of one depends on the others.
func (r *binReader) read(ctx context.Context, db *sql.DB, q model.TotalsQuery) error {
	clients := "c.clients"
	if r.met == nil {
		clients = "x''"
	}
	err := each(ctx, db, "reading cells", "SELECT c.bin, c.series, c.estimated, "+clients+`, c.places
		FROM cells c JOIN series s ON s.id = c.series WHERE `+selected+` ORDER BY c.bin`, selectedArgs(q), r.row)
	if err == nil {
		r.finish()
	}
	return err
}

func (r *binReader) row(rows *sql.Rows) error {
	var c shownCell
	var id int64
	var clients, places sql.RawBytes
	if err := rows.Scan(&c.bin, &id, &c.estimated, &clients, &places); err != nil {
		return err
	}
	if c.seen = r.known[id]; c.seen == nil {
		return nil // it was stored after the query began
	}
	if r.end != c.bin {
		r.finish()
		r.end = c.bin
	}
	if err := c.places.Decode(places); err != nil {
		return err
	}
	r.bin.Add(c.population(), c.ASN, &c.places)
	if !c.wanted {
		return nil
	}
	r.cells = append(r.cells, c)
	if r.met == nil {
		return nil
	}
	return r.met(&c, clients)
}

// finish passes on the cells of the current bin.
func (r *binReader) finish() {
	for i := range r.cells {
		c := &r.cells[i]
		r.counted(c, r.bin.Counts(c.population(), c.ASN, &c.places, c.estimated))
	}
	r.bin.Clear()
	clear(r.cells) // so that their places can be collected
	r.cells = r.cells[:0]
}

// selected is a condition on cells as c and series as s, with the arguments of selectedArgs.
const selected = "c.bin > ? AND c.bin <= ? AND s.delivery = ?"

func selectedArgs(q model.TotalsQuery) []any { return append(spanArgs(q), q.Delivery) }

// spanArgs returns the bin after which and the bin up to which q selects.
func spanArgs(q model.TotalsQuery) []any {
	until := int64(1) << 62
	if !q.Until.IsZero() {
		until = q.Until.UnixMilli()
	}
	return []any{q.Since.UnixMilli(), until}
}
