package answers

import (
	"context"

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
	known map[uint64]*seen
	// met is called for each cell that is wanted, with its encoded set of clients; may be nil
	met func(c *shownCell, clients []byte) error
	// counted is called for each cell that is wanted when its bin is complete; counts is what is
	// shown of its estimated requests
	counted func(c *shownCell, counts float64)

	end   int64 // of the current bin
	bin   shown.Bin
	cells []shownCell
}

// read reads the cells that q selects and that want, which may be nil, wants, and passes them to
// bins. The error may be a *model.CostError.
func (r *Reader) read(ctx context.Context, q model.TotalsQuery, bins *binReader, want func(*seen) bool) error {
	done, err := r.Store.Begin(ctx, q)
	if err != nil {
		return err
	}
	defer done()
	if bins.known, err = r.seen(ctx, q); err != nil {
		return err
	}
	for _, v := range bins.known {
		v.wanted = v.wanted && (want == nil || want(v))
	}
	return bins.read(ctx, r.Store, q)
}

// read reads the cells that q selects, bin by bin. It reads those of all outcomes and targets,
// because what is shown of one depends on the others.
func (r *binReader) read(ctx context.Context, store Store, q model.TotalsQuery) error {
	err := store.EachCell(ctx, q, r.met != nil, r.row)
	if err == nil {
		r.finish()
	}
	return err
}

func (r *binReader) row(cell *Cell) error {
	c := shownCell{seen: r.known[cell.Series], bin: cell.Bin, estimated: cell.Estimated}
	if c.seen == nil {
		return nil // it was stored after the query began
	}
	if r.end != c.bin {
		r.finish()
		r.end = c.bin
	}
	if err := c.places.Decode(cell.Places); err != nil {
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
	return r.met(&c, cell.Clients)
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
