package answers

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Reachability answers a query for detector.Events.Reachability. If there are more than
// model.MaxRows rows, the oldest are left out.
func (r *Reader) Reachability(ctx context.Context, q model.ReachQuery) ([]model.Reach, error) {
	if q.Step < time.Second {
		return nil, fmt.Errorf("%w: step must be at least a second, is %v", model.ErrQuery, q.Step)
	}
	totals, of := model.TotalsQuery{Since: q.Since, Until: q.Until, Target: q.Target}, networkOf
	if q.Countries {
		totals.By, of = model.DimensionsOf(model.ByCountry), countryOf
	}
	steps := newSteps(q.Since, q.Step, of)
	if err := r.read(ctx, totals, &binReader{met: steps.meet, counted: steps.add}, nil); err != nil {
		return nil, err
	}
	return steps.rows(), nil
}
