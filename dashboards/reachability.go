package dashboards

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
)

// Limits of reachability.
const (
	liveSteps    = 60
	liveOrigins  = 100
	maxSteps     = 1440
	maxOrigins   = 1000
	defaultReach = time.Hour
)

func (d *Dashboard) getReachability(w http.ResponseWriter, r *http.Request, p *params) error {
	since := p.span("since", defaultReach, d.o.Retention)
	step := p.span("step", d.o.Step, d.o.Retention)
	if p.err == nil && (step < time.Second || since/step > maxSteps) {
		p.fail("step", "must be at least 1s and at least since divided by "+strconv.Itoa(maxSteps))
	}
	if p.err != nil {
		return p.err
	}
	grid, err := d.grid(r.Context(), time.Now(), step, int((since+step-1)/step), maxOrigins)
	if err != nil {
		return err
	}
	return writeJSON(w, grid.Reachability)
}

// reachGrid is a grid, and what is known of the networks that are not shown.
type reachGrid struct {
	api.Reachability
	failing int // networks that fail now, shown or not
}

// grid returns a grid with the given number of columns, the last of which contains now.
func (d *Dashboard) grid(ctx context.Context, now time.Time, step time.Duration, steps, most int) (reachGrid, error) {
	start := now.Truncate(step).Add(-step * time.Duration(steps-1))
	reach, err := d.o.Reader.Reachability(ctx, start, step)
	if err != nil {
		return reachGrid{}, err
	}
	g := reachGrid{Reachability: api.Reachability{Start: stamp(start), StepSeconds: step.Seconds(), Steps: steps, All: newColumns(steps)}}
	origins, whole := map[uint32]*api.Origin{}, map[uint32]api.Columns{}
	for _, cell := range reach {
		column := int(cell.At.Sub(start) / step)
		if cell.At.Before(start) || column >= steps {
			continue // in the future: a clock runs ahead
		}
		if whole[cell.ASN].OK == nil {
			whole[cell.ASN] = newColumns(steps)
		}
		add(whole[cell.ASN], column, cell)
		if add(g.All, column, cell); d.hides(cell.Clients) {
			g.Suppressed++
			continue
		}
		origin := origins[cell.ASN]
		if origin == nil {
			origin = &api.Origin{Network: api.Network{ASN: cell.ASN, Name: d.networkName(cell.ASN)}, Columns: newColumns(steps)}
			origins[cell.ASN] = origin
		}
		add(origin.Columns, column, cell)
	}
	for _, o := range origins {
		o.Recent = recentOf(o.Columns)
	}
	for _, columns := range whole {
		if recentOf(columns).Failing {
			g.failing++
		}
	}
	g.Origins, g.OriginCount = ranked(origins, most), len(whole)
	g.Recent = recentOf(g.All)
	for i := range steps {
		if g.All.OK[i]+g.All.Failed[i] > 0 {
			g.Heard = stamp(start.Add(step * time.Duration(i+1)))
		}
	}
	return g, nil
}

func newColumns(n int) api.Columns {
	return api.Columns{OK: make([]float64, n), Failed: make([]float64, n)}
}

func add(c api.Columns, column int, cell model.Reach) {
	c.OK[column] = rounded(c.OK[column] + cell.OK)
	c.Failed[column] = rounded(c.Failed[column] + cell.Failed)
}

// recentColumns is the number of columns with requests that tell how a network fares now, among the
// last recentWithin. Reports come late, so the very last columns are often still empty.
const (
	recentColumns = 3
	recentWithin  = 10
)

func recentOf(c api.Columns) (r api.Recent) {
	for i, found := len(c.OK)-1, 0; i >= max(0, len(c.OK)-recentWithin) && found < recentColumns; i-- {
		if c.OK[i]+c.Failed[i] > 0 {
			r.OK, r.Failed = r.OK+c.OK[i], r.Failed+c.Failed[i]
			found++
		}
	}
	r.OK, r.Failed = rounded(r.OK), rounded(r.Failed)
	r.Failing = judge.Failing(r.OK, r.Failed)
	return r
}

// ranked sorts the origins, those that fail now first, so that a limit does not drop them, and then
// the busiest.
func ranked(origins map[uint32]*api.Origin, most int) []api.Origin {
	type rank struct {
		origin *api.Origin
		total  float64
	}
	ranks := make([]rank, 0, len(origins))
	for _, o := range origins {
		ranks = append(ranks, rank{origin: o, total: sum(o.OK) + sum(o.Failed)})
	}
	failing := func(r rank) int {
		if r.origin.Recent.Failing {
			return 0
		}
		return 1
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		return cmp.Or(cmp.Compare(failing(a), failing(b)), cmp.Compare(b.total, a.total), cmp.Compare(a.origin.ASN, b.origin.ASN))
	})
	out := make([]api.Origin, min(most, len(ranks)))
	for i := range out {
		out[i] = *ranks[i].origin
	}
	return out
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// reachability reads the section for the page.
func (l *look) reachability() (any, error) {
	grid, err := l.grid()
	return grid.Reachability, err
}
