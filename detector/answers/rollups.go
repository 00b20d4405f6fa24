package answers

import (
	"cmp"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// Rollups sums stored rollups to the answer of a query. It is not safe for concurrent use.
type Rollups struct {
	q         model.RollupQuery
	most      int
	maxGroups int
	read      int
	groups    map[rollupAt]*rollupGroup
	order     []*rollupGroup // as they were met
}

// rollupAt identifies a row of an answer.
type rollupAt struct {
	at int64
	model.RollupKey
}

// rollupGroup is a row of an answer that is being summed.
type rollupGroup struct {
	model.Rollup
	clients sketch.Clients
}

// NewRollups returns an empty sum, which reads most rollups, and makes maxGroups groups, at most.
func NewRollups(q model.RollupQuery, most, maxGroups int) *Rollups {
	return &Rollups{q: q, most: most, maxGroups: maxGroups, groups: map[rollupAt]*rollupGroup{}}
}

// Add adds a rollup of the step that begins at a time in Unix milliseconds: reported and estimated
// requests, and an encoded set of clients. It ignores a key that the query does not select by
// RollupQuery.Errors or RollupQuery.Durations. Its error may be a *model.CostError.
func (r *Rollups) Add(at int64, k *model.RollupKey, raw uint64, estimated float64, encoded []byte) error {
	if k.OfErrors() != r.q.Errors || k.OfDurations() != r.q.Durations {
		return nil
	}
	if r.read++; r.read > r.most {
		return &model.CostError{Of: "rollups", Most: r.most}
	}
	g, err := r.group(rollupAt{at, k.Only(r.q.By)})
	if err != nil {
		return err
	}
	g.Reports = sketch.Sum(g.Reports, raw)
	o := k.Outcome
	if r.q.Durations { // it says how long requests took that succeeded
		o = report.OK
	}
	tally(&g.OK, &g.Failed, o, estimated)
	return merge(&g.clients, encoded)
}

// group finds or makes a row of the answer.
func (r *Rollups) group(key rollupAt) (*rollupGroup, error) {
	g := r.groups[key]
	if g != nil {
		return g, nil
	}
	if len(r.order) >= r.maxGroups {
		return nil, &model.CostError{Of: "groups", Most: r.maxGroups}
	}
	g = &rollupGroup{Rollup: model.Rollup{At: time.UnixMilli(key.at), Key: key.RollupKey}}
	r.groups[key] = g
	r.order = append(r.order, g)
	return g, nil
}

// Answer returns the rows, the earliest step first and in a step by their keys, at most
// model.MaxRows.
func (r *Rollups) Answer() []model.Rollup {
	slices.SortFunc(r.order, func(a, b *rollupGroup) int { return cmp.Or(a.At.Compare(b.At), compareRollups(&a.Key, &b.Key)) })
	all := make([]model.Rollup, 0, min(len(r.order), model.MaxRows))
	for _, g := range r.order[:min(len(r.order), model.MaxRows)] {
		g.Clients = uint64(g.clients.Count())
		all = append(all, g.Rollup)
	}
	return all
}

// compareRollups puts keys into a fixed order.
func compareRollups(a, b *model.RollupKey) int {
	return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Version, b.Version), cmp.Compare(a.OS, b.OS), cmp.Compare(a.Target, b.Target),
		cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.ASN, b.ASN), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Source, b.Source))
}
