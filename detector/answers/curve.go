package answers

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
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
	steps := newSteps(q.Since, q.Step, func(*model.Series) origin { return origin{} })
	bins := binReader{counted: steps.add}
	if q.Clients {
		bins.met = steps.meet
	}
	err := r.read(ctx, totals, &bins, func(v *seen) bool {
		ofType := q.Type == "" || v.Outcome == report.OK || v.Outcome.Under(q.Type)
		return ofType && q.Scope.Counted(v.Series)
	})
	if err != nil {
		return nil, err
	}
	var points []model.CurvePoint
	for _, row := range steps.rows() {
		points = append(points, model.CurvePoint{At: row.At, OK: row.OK, Failed: row.Failed, Clients: row.Clients})
	}
	return points, nil
}
