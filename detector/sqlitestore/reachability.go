package sqlitestore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// Reachability implements detector.Events. If there are more than model.MaxRows rows, the oldest
// are left out.
func (s *Events) Reachability(ctx context.Context, since time.Time, step time.Duration) ([]model.Reach, error) {
	if step < time.Second {
		return nil, fmt.Errorf("%w: step must be at least a second, is %v", model.ErrQuery, step)
	}
	done, err := s.askMuch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	q := model.TotalsQuery{Since: since}
	if err := s.judgeCost(ctx, q); err != nil {
		return nil, err
	}
	known, err := s.seriesSeen(ctx, q)
	if err != nil {
		return nil, err
	}
	grid := reaches{from: since.UnixMilli(), width: step.Milliseconds(), row: map[uint32]*reach{}}
	r := binReader{known: known, met: grid.meet, counted: grid.add}
	if err := r.read(ctx, s.asked, q); err != nil {
		return nil, err
	}
	grid.finish()
	return grid.all[max(len(grid.all)-model.MaxRows, 0):], nil
}

// reach is a row of the answer that is being summed.
type reach struct {
	model.Reach
	clients sketch.Clients
}

// reaches sums cells by step and network. They must be added in the order of their bins.
type reaches struct {
	from, width int64
	step        int64
	row         map[uint32]*reach // of the current step, by autonomous system
	all         []model.Reach     // of the previous steps
}

// of returns the row that a cell is part of.
func (g *reaches) of(c *shownCell) *reach {
	if step := (c.bin - 1 - g.from) / g.width; step != g.step {
		g.finish()
		g.step = step
	}
	r := g.row[c.ASN]
	if r == nil {
		r = &reach{Reach: model.Reach{At: time.UnixMilli(g.from + g.step*g.width), ASN: c.ASN}}
		g.row[c.ASN] = r
	}
	return r
}

// meet adds a cell's clients.
func (g *reaches) meet(c *shownCell, encoded []byte) error {
	var clients sketch.Clients
	if err := clients.Decode(encoded); err != nil {
		return err
	}
	g.of(c).clients.Merge(&clients)
	return nil
}

func (g *reaches) add(c *shownCell, counts float64) {
	r := g.of(c)
	if c.Outcome == report.OK {
		r.OK += counts
	} else {
		r.Failed += counts
	}
}

// finish ends a step, and drops the oldest when there are too many.
func (g *reaches) finish() {
	if len(g.all) > 2*model.MaxRows {
		g.all = append(g.all[:0], g.all[len(g.all)-model.MaxRows:]...)
	}
	first := len(g.all)
	for _, r := range g.row {
		r.Clients = uint64(r.clients.Count())
		g.all = append(g.all, r.Reach)
	}
	slices.SortFunc(g.all[first:], func(a, b model.Reach) int { return cmp.Compare(a.ASN, b.ASN) })
	clear(g.row)
}
