package gate

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// slowShare is the share of the older release's requests to a target that may be slow at most. The
// limit is the least bound of an octave that holds to it.
const slowShare = 0.1

// leastSlow is how many slow answers of the release must have been reported to call it worse. Each
// stands for many, so with fewer the variance is not known.
const leastSlow = 30

// octaves are estimated requests by how long they took.
type octaves [model.TookOctaves + 1]float64

// above returns the requests that took longer than 2^limit ms.
func (o *octaves) above(limit int) (n float64) {
	for _, m := range o[limit+1:] {
		n += m
	}
	return n
}

func (o *octaves) all() float64 { return o[0] + o.above(0) }

// took is how long the requests of one network to one target took in one minute, with one release.
type took struct {
	Cell
	octaves octaves
	reports octaves // those that were reported
}

// durations returns how long the requests of both releases took.
func durations(ctx context.Context, r Reader, q model.GateQuery, now time.Time) ([]*took, error) {
	var all []*took
	known := map[Cell]*took{}
	asked := model.RollupQuery{By: []model.Facet{model.FacetVersion, model.FacetASN, model.FacetTarget, model.FacetType}, Durations: true}
	err := minutes(ctx, r, q, asked, now, func(v *model.Rollup) {
		octave, ok := v.Key.Took()
		if !ok {
			return
		}
		key := Cell{At: v.At, ASN: v.Key.ASN, Target: v.Key.Target, Release: v.Key.Version == q.Version}
		t := known[key]
		if t == nil {
			t = &took{Cell: key}
			known[key] = t
			all = append(all, t)
		}
		t.Reports += v.Reports
		t.octaves[octave] += v.OK
		t.reports[octave] += float64(v.Reports)
	})
	return all, err
}

// limits returns, by target, the octave beyond which requests are slow.
func limits(all []*took) map[string]int {
	sums := map[string]*octaves{}
	for _, t := range all {
		if t.Release {
			continue
		}
		if sums[t.Target] == nil {
			sums[t.Target] = &octaves{}
		}
		for i, n := range t.octaves {
			sums[t.Target][i] += n
		}
	}
	by := map[string]int{}
	for target, sum := range sums {
		limit := 0
		for limit < model.TookOctaves-1 && sum.above(limit) > slowShare*sum.all() {
			limit++
		}
		by[target] = limit
	}
	return by
}

// slowCells returns the requests of which so many were slow. Targets that the older release does
// not use are left out, since nothing says what is slow there.
// It also returns how many slow answers of the release were reported.
func slowCells(all []*took, limits map[string]int) (cells []Cell, reported float64) {
	for _, t := range all {
		limit, known := limits[t.Target]
		if !known {
			continue
		}
		c := t.Cell
		c.Requests, c.Troubles = t.octaves.all(), t.octaves.above(limit)
		cells = append(cells, c)
		if c.Release {
			reported += t.reports.above(limit)
		}
	}
	return cells, reported
}

// slowest says which target is the slower one, if it is one: "answers of https://shop.example that
// take longer than 512 ms".
func slowest(cells []Cell, limits map[string]int) string {
	by, whole := map[string]*arms{}, arms{}
	for i := range cells {
		c, arm := &cells[i], old
		if c.Release {
			arm = fresh
		}
		if by[c.Target] == nil {
			by[c.Target] = &arms{}
		}
		by[c.Target].add(c, arm)
		whole.add(c, arm)
	}
	best, most := "", 0.0
	for target, a := range by {
		if x := a.excess(&whole, model.FacetTarget); x > most || x == most && cmp.Compare(target, best) < 0 {
			best, most = target, x
		}
	}
	total := 0.0
	for _, a := range by {
		total += max(a.excess(&whole, model.FacetTarget), 0)
	}
	if best == "" || most < mostOfExcess*total {
		return ""
	}
	return fmt.Sprintf("answers of %s that take longer than %s", best, model.DurationWords(time.Millisecond<<limits[best]))
}
