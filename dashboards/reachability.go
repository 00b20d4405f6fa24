package dashboards

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Limits of reachability.
const (
	liveSteps    = 60
	liveOrigins  = 100
	maxSteps     = 1440
	maxOrigins   = 1000
	defaultReach = time.Hour
)

// reachabilityJSON is a grid of origins × time. Column i begins at start + i × step_seconds.
type reachabilityJSON struct {
	Start       time.Time   `json:"start"`
	StepSeconds float64     `json:"step_seconds"`
	Steps       int         `json:"steps"`
	All         columnsJSON `json:"all"` // every origin, listed or not
	// those with failures in the last columns first, then the busiest
	Origins     []originJSON `json:"origins"`
	OriginCount int          `json:"origin_count"` // how many there are
}

// columnsJSON has one value per column; 0 and 0 where nothing was heard.
type columnsJSON struct {
	OK     []float64 `json:"ok"`
	Failed []float64 `json:"failed"`
}

// originJSON is one row of the grid.
type originJSON struct {
	networkJSON
	columnsJSON
}

func (d *Dashboard) getReachability(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r, "since", "step")
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
	return writeJSON(w, grid)
}

// grid asks for steps columns, the last of which holds now.
func (d *Dashboard) grid(ctx context.Context, now time.Time, step time.Duration, steps, most int) (reachabilityJSON, error) {
	start := now.Truncate(step).Add(-step * time.Duration(steps-1))
	reach, err := d.o.Reader.Reachability(ctx, start, step)
	if err != nil {
		return reachabilityJSON{}, err
	}
	g := reachabilityJSON{Start: stamp(start), StepSeconds: step.Seconds(), Steps: steps, All: newColumns(steps)}
	origins := map[uint32]*originJSON{}
	for _, cell := range reach {
		column := int(cell.At.Sub(start) / step)
		if cell.At.Before(start) || column >= steps {
			continue // a clock that runs ahead
		}
		origin := origins[cell.ASN]
		if origin == nil {
			origin = &originJSON{networkJSON{cell.ASN, d.networkName(cell.ASN)}, newColumns(steps)}
			origins[cell.ASN] = origin
		}
		origin.add(column, cell)
		g.All.add(column, cell)
	}
	g.Origins, g.OriginCount = ranked(origins, most), len(origins)
	return g, nil
}

func newColumns(n int) columnsJSON {
	return columnsJSON{OK: make([]float64, n), Failed: make([]float64, n)}
}

func (c columnsJSON) add(column int, cell model.Reach) {
	c.OK[column] = rounded(c.OK[column] + cell.OK)
	c.Failed[column] = rounded(c.Failed[column] + cell.Failed)
}

// recentColumns are the last ones, which say how an origin fares now.
const recentColumns = 5

// ranked puts the origins that fail now first, so that a limit never cuts those off, then
// the busiest.
func ranked(origins map[uint32]*originJSON, most int) []originJSON {
	type rank struct {
		origin         *originJSON
		failing, total float64
	}
	ranks := make([]rank, 0, len(origins))
	for _, o := range origins {
		recent := max(0, len(o.Failed)-recentColumns)
		r := rank{origin: o, total: sum(o.OK) + sum(o.Failed), failing: sum(o.Failed[recent:])}
		if r.failing < (r.failing+sum(o.OK[recent:]))/10 {
			r.failing = 0 // a few failures are everyday life
		}
		ranks = append(ranks, r)
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		return cmp.Or(cmp.Compare(b.failing, a.failing), cmp.Compare(b.total, a.total), cmp.Compare(a.origin.ASN, b.origin.ASN))
	})
	out := make([]originJSON, min(most, len(ranks)))
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

// liveReachability is the page's share.
func (d *Dashboard) liveReachability(ctx context.Context, now time.Time) (any, error) {
	return d.grid(ctx, now, d.o.Step, liveSteps, liveOrigins)
}
