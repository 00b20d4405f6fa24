package answers

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

// Reachability answers a query for detector.Events.Reachability. If there are more than
// model.MaxRows rows, the oldest are left out.
func (r *Reader) Reachability(ctx context.Context, q model.ReachQuery) ([]model.Reach, error) {
	if q.Step < time.Second {
		return nil, fmt.Errorf("%w: step must be at least a second, is %v", model.ErrQuery, q.Step)
	}
	totals := model.TotalsQuery{Since: q.Since, Until: q.Until, Target: q.Target}
	if q.Countries {
		totals.By = model.DimensionsOf(model.ByCountry)
	}
	done, err := r.Store.Begin(ctx, totals)
	if err != nil {
		return nil, err
	}
	defer done()
	known, err := r.seen(ctx, totals)
	if err != nil {
		return nil, err
	}
	grid := reaches{from: q.Since.UnixMilli(), width: q.Step.Milliseconds(), countries: q.Countries, row: map[origin]*reach{}}
	bins := binReader{known: known, met: grid.meet, counted: grid.add}
	if err := bins.read(ctx, r.Store, totals); err != nil {
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

// origin is a client network or a country.
type origin struct {
	asn     uint32
	country string
}

// reaches sums cells by step and origin. They must be added in the order of their bins.
type reaches struct {
	from, width int64
	countries   bool // are the origins
	step        int64
	row         map[origin]*reach // of the current step
	all         []model.Reach     // of the previous steps
}

// of returns the row that a cell is part of.
func (g *reaches) of(c *shownCell) *reach {
	if step := (c.bin - 1 - g.from) / g.width; step != g.step {
		g.finish()
		g.step = step
	}
	from := origin{asn: c.ASN}
	if g.countries {
		from = origin{country: c.Country}
	}
	r := g.row[from]
	if r == nil {
		r = &reach{Reach: model.Reach{At: time.UnixMilli(g.from + g.step*g.width), ASN: from.asn, Country: from.country}}
		g.row[from] = r
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
	slices.SortFunc(g.all[first:], func(a, b model.Reach) int {
		return cmp.Or(cmp.Compare(a.ASN, b.ASN), cmp.Compare(a.Country, b.Country))
	})
	clear(g.row)
}
