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
	"github.com/heliograph-net/heliograph/report"
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
	q := reachAsked{until: p.moment("until"), step: step, steps: int((since + step - 1) / step), target: p.text("target", report.MaxString),
		countries: p.oneOf("by", "asn", "asn", "country") == "country", byExcess: p.oneOf("order", "failing", "failing", "excess") == "excess",
		most: p.integer("limit", maxOrigins, 1, maxOrigins)}
	if p.err != nil {
		return p.err
	}
	grid, err := d.reach(r.Context(), q, time.Now())
	if err != nil {
		return err
	}
	return writeJSON(w, grid.Reachability)
}

// reachAsked is the grid that is asked for.
type reachAsked struct {
	until     time.Time // zero for now
	step      time.Duration
	steps     int    // columns, the last of which contains until
	target    string // empty for any
	countries bool   // instead of networks
	byExcess  bool   // is the order
	most      int    // rows
}

// reachGrid is a grid, and what is known of the origins that are not shown.
type reachGrid struct {
	api.Reachability
	failing int // origins that fail now, shown or not
}

// place is a client network or a country.
type place struct {
	asn     uint32
	country string
}

// grid returns the grid of all networks, of which those that fail now come first.
func (d *Dashboard) grid(ctx context.Context, now time.Time, step time.Duration, steps, most int) (reachGrid, error) {
	return d.reach(ctx, reachAsked{step: step, steps: steps, most: most}, now)
}

// reach reads a grid from the store, by one query.
func (d *Dashboard) reach(ctx context.Context, q reachAsked, now time.Time) (reachGrid, error) {
	if !q.until.IsZero() {
		now = q.until
	}
	start := now.Truncate(q.step).Add(-q.step * time.Duration(q.steps-1))
	reach, err := d.o.Reader.Reachability(ctx, model.ReachQuery{Since: start, Until: q.until, Step: q.step, Target: q.target, Countries: q.countries})
	if err != nil {
		return reachGrid{}, err
	}
	g := reachGrid{Reachability: api.Reachability{Start: stamp(start), StepSeconds: q.step.Seconds(), Steps: q.steps, All: newColumns(q.steps)}}
	origins, whole := map[place]*api.Origin{}, map[place]api.Columns{}
	clients := make([]uint64, q.steps) // of each column, of the network with the most: one client may be in several
	for _, cell := range reach {
		column := int(cell.At.Sub(start) / q.step)
		if cell.At.Before(start) || column >= q.steps {
			continue // in the future: a clock runs ahead
		}
		from := place{cell.ASN, cell.Country}
		if whole[from].OK == nil {
			whole[from] = newColumns(q.steps)
		}
		add(whole[from], column, cell)
		clients[column] = max(clients[column], cell.Clients)
		if add(g.All, column, cell); d.hides(cell.Clients) {
			g.Suppressed++
			continue
		}
		origin := origins[from]
		if origin == nil {
			origin = &api.Origin{Network: api.Network{ASN: cell.ASN, Name: d.networkName(cell.ASN)}, Country: cell.Country, Columns: newColumns(q.steps)}
			origins[from] = origin
		}
		add(origin.Columns, column, cell)
	}
	for column := range clients {
		if q.target != "" && g.All.OK[column]+g.All.Failed[column] > 0 && d.hides(clients[column]) { // a part, and not everybody
			g.All.OK[column], g.All.Failed[column] = 0, 0
			g.Suppressed++
		}
	}
	for _, o := range origins {
		o.Recent = recentOf(o.Columns)
		o.Normal, o.Excess = excessOf(o.Columns)
	}
	for _, columns := range whole {
		if recentOf(columns).Failing {
			g.failing++
		}
	}
	g.Origins, g.OriginCount = ranked(origins, q.byExcess, q.most), len(whole)
	g.Recent = recentOf(g.All)
	for i := range q.steps {
		if g.All.OK[i]+g.All.Failed[i] > 0 {
			g.Heard = stamp(start.Add(q.step * time.Duration(i+1)))
		}
	}
	return g, nil
}

// excessOf returns the part of the requests that normally fails, as a curve has it, and the
// failures beyond that.
func excessOf(c api.Columns) (normal, excess float64) {
	var points []model.CurvePoint
	for i := range c.OK {
		if c.OK[i]+c.Failed[i] > 0 {
			// Only the order of the columns counts. They begin after the zero time, which
			// means none.
			points = append(points, model.CurvePoint{At: time.Unix(int64(i)+1, 0), OK: c.OK[i], Failed: c.Failed[i]})
		}
	}
	normal = normalOf(points, judge.OnsetOf(points))
	for _, p := range points {
		excess += max(0, p.Failed-normal*(p.OK+p.Failed))
	}
	return fine(normal), rounded(excess)
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

// ranked sorts the origins by excess, or those that fail now first, so that a limit does not drop
// them; and then the busiest first.
func ranked(origins map[place]*api.Origin, byExcess bool, most int) []api.Origin {
	type rank struct {
		origin *api.Origin
		total  float64
	}
	ranks := make([]rank, 0, len(origins))
	for _, o := range origins {
		ranks = append(ranks, rank{origin: o, total: sum(o.OK) + sum(o.Failed)})
	}
	first := func(r rank) float64 {
		switch {
		case byExcess:
			return r.origin.Excess
		case r.origin.Recent.Failing:
			return 1
		}
		return 0
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		return cmp.Or(cmp.Compare(first(b), first(a)), cmp.Compare(b.total, a.total),
			cmp.Compare(a.origin.ASN, b.origin.ASN), cmp.Compare(a.origin.Country, b.origin.Country))
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
