package answers

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// group is one row of totals that is being summed.
type group struct {
	model.Total
	clients sketch.Clients
	places  sketch.Places
}

// Totals answers a query for detector.Events.Totals.
func (r *Reader) Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error) {
	q.By &= model.AllDimensions
	done, err := r.Store.Begin(ctx, q)
	if err != nil {
		return nil, err
	}
	defer done()
	asked := q
	q.PickedBy &= model.AllDimensions
	asked.By |= scopedBy(q.Scope) | q.PickedBy
	known, err := r.seen(ctx, asked)
	if err != nil {
		return nil, err
	}
	for _, v := range known {
		v.wanted = v.wanted && q.Scope.Counted(v.Series) && v.Only(q.PickedBy) == q.Picked.Only(q.PickedBy)
	}
	groups, err := r.groupsOf(known, q.By)
	if err != nil {
		return nil, err
	}
	bins := binReader{known: known, met: meet, counted: func(c *shownCell, counts float64) { c.group.add(c, counts) }}
	if err := bins.read(ctx, r.Store, q); err != nil {
		return nil, err
	}
	return rowsOf(groups, Bounded(q.Limit, model.MaxRows)), nil
}

// groupsOf puts the wanted series into groups. Without dimensions there is always one. The error
// may be a *model.CostError.
func (r *Reader) groupsOf(known map[uint64]*seen, by model.Dimensions) ([]*group, error) {
	var all []*group
	at := map[model.Series]*group{}
	find := func(key model.Series) *group {
		g := at[key]
		if g == nil {
			g = &group{Total: model.Total{Key: key, By: by}}
			at[key] = g
			all = append(all, g)
		}
		return g
	}
	if by == 0 {
		find(model.Series{})
	}
	for _, v := range known {
		if !v.wanted {
			continue
		}
		if v.group = find(v.Only(by)); len(all) > r.MaxGroups {
			return nil, &model.CostError{Of: "groups", Most: r.MaxGroups, By: by}
		}
	}
	return all, nil
}

// meet adds a cell's clients and places to its group.
func meet(c *shownCell, encoded []byte) error {
	c.group.places.Merge(&c.places)
	return merge(&c.group.clients, encoded)
}

// add adds a cell's requests, of which counts are shown.
func (g *group) add(c *shownCell, counts float64) {
	tally(&g.OK, &g.Failed, c.Outcome, counts)
	g.Clipped += c.estimated - counts
}

// rowsOf returns the rows with the most failures, at most limit.
func rowsOf(groups []*group, limit int) []model.Total {
	slices.SortFunc(groups, func(a, b *group) int {
		if c := cmp.Or(-cmp.Compare(a.Failed, b.Failed), -cmp.Compare(a.OK, b.OK)); c != 0 {
			return c
		}
		return compareKeys(a, b)
	})
	var all []model.Total
	for _, g := range groups[:min(len(groups), limit)] {
		g.Clients, g.Places = uint64(g.clients.Count()), uint64(g.places.Count())
		all = append(all, g.Total)
	}
	return all
}

// compareKeys puts groups with equal sums into a fixed order.
func compareKeys(a, b *group) int {
	for d := range a.By.Each() {
		if c := cmp.Compare(a.Key.Value(d), b.Key.Value(d)); c != 0 {
			return c
		}
	}
	return 0
}

// Servers returns the counts of each server since a time.
func (r *Reader) Servers(ctx context.Context, since time.Time) (all []model.ServerCount, err error) {
	totals, err := r.Totals(ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByServer)})
	for _, t := range totals {
		if t.Key.Server != "" {
			all = append(all, model.ServerCount{Server: t.Key.Server, OK: t.OK, Failed: t.Failed, Clients: t.Clients})
		}
	}
	return all, err
}
