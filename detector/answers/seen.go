package answers

import (
	"context"

	"github.com/heliograph-net/heliograph/detector/shown"
	"github.com/heliograph-net/heliograph/model"
)

// seen is a series that a query reads.
type seen struct {
	model.Series      // without the values that the query does not need
	wanted       bool // its outcome and target are what the query asks for
	group        *group
}

// population returns the population that the series belongs to.
func (s *seen) population() shown.Population {
	return shown.Population{App: s.App, Target: s.Target, Source: s.Source}
}

// compared are the dimensions that every query needs, to tell populations apart.
var compared = model.DimensionsOf(model.ByApp, model.ByTarget, model.BySource, model.ByASN, model.ByOutcome)

// seen returns the series of the cells that are read for q, by id. The error may be a
// *model.CostError.
func (r *Reader) seen(ctx context.Context, q model.TotalsQuery) (map[uint64]*seen, error) {
	known := map[uint64]*seen{}
	texts := map[string]string{} // most series share their texts
	err := r.Store.EachSeen(ctx, q, func(id uint64, s *model.Series) error {
		if len(known) >= r.MaxSeries {
			return &model.CostError{Of: "series", Most: r.MaxSeries}
		}
		v := &seen{Series: s.Only(q.By | compared)}
		Share(texts, &v.Series)
		v.wanted = (q.Type == "" || v.Outcome.Under(q.Type)) && (q.Target == "" || v.Target == q.Target)
		known[id] = v
		return nil
	})
	return known, err
}

// Share replaces the texts of a series by equal ones in texts, so that each is in memory once.
func Share(texts map[string]string, s *model.Series) {
	for _, text := range []*string{&s.App, &s.Target, (*string)(&s.Outcome), &s.Protocol, &s.Server, &s.Country} {
		if known, ok := texts[*text]; ok {
			*text = known
		} else {
			texts[*text] = *text
		}
	}
}
