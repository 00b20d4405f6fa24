package answers

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// scoped are the dimensions that model.Scope.Counted looks at.
var scoped = model.DimensionsOf(model.ByASN, model.ByCountry, model.ByServer, model.ByProtocol)

// scopedBy returns the dimensions that are needed to tell whether a series is in a scope.
func scopedBy(s model.Scope) model.Dimensions {
	if s.Everyone() {
		return 0
	}
	return scoped
}

// Curve answers a query for detector.Events.Curve. If there are more than model.MaxRows points, the
// oldest are left out.
func (r *Reader) Curve(ctx context.Context, q model.CurveQuery) ([]model.CurvePoint, error) {
	if q.Step < time.Second {
		return nil, fmt.Errorf("%w: step must be at least a second, is %v", model.ErrQuery, q.Step)
	}
	totals := model.TotalsQuery{Since: q.Since, Until: q.Until, By: scoped, Target: q.Target, Delivery: q.Delivery}
	done, err := r.Store.Begin(ctx, totals)
	if err != nil {
		return nil, err
	}
	defer done()
	known, err := r.seen(ctx, totals)
	if err != nil {
		return nil, err
	}
	for _, v := range known {
		ofType := q.Type == "" || v.Outcome == report.OK || v.Outcome.Under(q.Type)
		v.wanted = v.wanted && ofType && q.Scope.Counted(v.Series)
	}
	c := curve{from: q.Since.UnixMilli(), width: q.Step.Milliseconds()}
	bins := binReader{known: known, counted: c.add}
	if q.Clients {
		bins.met = c.meet
	}
	if err := bins.read(ctx, r.Store, totals); err != nil {
		return nil, err
	}
	c.finish()
	return c.points[max(len(c.points)-model.MaxRows, 0):], nil
}

// curve sums cells by step. They must be added in the order of their bins.
type curve struct {
	from, width int64
	points      []model.CurvePoint
	clients     sketch.Clients // of the last point
}

// of returns the point that a cell is part of.
func (c *curve) of(cell *shownCell) *model.CurvePoint {
	at := time.UnixMilli(c.from + (cell.bin-1-c.from)/c.width*c.width)
	if n := len(c.points); n == 0 || !c.points[n-1].At.Equal(at) {
		c.finish()
		c.points = append(c.points, model.CurvePoint{At: at})
	}
	return &c.points[len(c.points)-1]
}

// finish counts the clients of the last point.
func (c *curve) finish() {
	if n := len(c.points); n > 0 {
		c.points[n-1].Clients = uint64(c.clients.Count())
	}
	c.clients = sketch.Clients{}
}

// meet adds a cell's clients.
func (c *curve) meet(cell *shownCell, encoded []byte) error {
	var clients sketch.Clients
	if err := clients.Decode(encoded); err != nil {
		return err
	}
	c.of(cell)
	c.clients.Merge(&clients)
	return nil
}

func (c *curve) add(cell *shownCell, counts float64) {
	p := c.of(cell)
	if cell.Outcome == report.OK {
		p.OK += counts
	} else {
		p.Failed += counts
	}
}
