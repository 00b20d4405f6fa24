package gate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Reader reads rollups. [model.Reader] implements it.
type Reader interface {
	Rollups(ctx context.Context, q model.RollupQuery) ([]model.Rollup, error)
}

const (
	defaultError  = 0.01
	defaultDetect = 0.02
	// readAtOnce is how much time one query reads, so that its answer is not cut off: a minute has
	// some 4,000 cells at most, and an answer model.MaxRows.
	readAtOnce = 2 * time.Minute
)

// The names of the measures.
const (
	Failures          = "failures"
	ApplicationErrors = "application_errors"
	Slowness          = "slowness" // requests that succeed and take long
)

// Judge compares a release with another one by what a store has. Each measure has an equal part of
// the error. A release is worse if one of them is, and healthy if the failures are shown not to
// have increased by q.Detect and no measure is worse; that there are no application errors says
// little, since only users who allow diagnostics report them.
func Judge(ctx context.Context, r Reader, q model.GateQuery, now time.Time) (model.Gate, error) {
	if q.Error == 0 {
		q.Error = defaultError
	}
	if q.Detect == 0 {
		q.Detect = defaultDetect
	}
	if q.App == "" || q.Version == "" || q.Against == "" || q.Version == q.Against || !(q.Error > 0 && q.Error < 1 && q.Detect > 0 && q.Detect < 1) {
		return model.Gate{}, fmt.Errorf("%w: a gate needs an application and two versions, and an error and a difference between 0 and 1", model.ErrQuery)
	}
	requests, errs, clients, err := read(ctx, r, q, now)
	if err != nil {
		return model.Gate{}, err
	}
	all, err := durations(ctx, r, q, now)
	if err != nil {
		return model.Gate{}, err
	}
	bounds := limits(all)
	slow, reported := slowCells(all, bounds)
	const measures = 3
	g := model.Gate{State: model.GateUnknown, Clients: clients, Tests: []model.GateMeasure{
		Compare(Failures, requests, q.Error/measures, q.Detect),
		Compare(ApplicationErrors, troubled(requests, errs), q.Error/measures, q.Detect),
		Compare(Slowness, slow, q.Error/measures, q.Detect),
	}}
	if s := &g.Tests[measures-1]; s.State == model.GateWorse && reported < leastSlow {
		s.State = model.GateUnknown
	}
	g.State = g.Tests[0].State
	failing := false
	for i := range g.Tests {
		if g.Tests[i].State == model.GateWorse {
			g.State = model.GateWorse
			failing = failing || g.Tests[i].Name != Slowness
		}
	}
	if failing {
		if g.For, err = whom(ctx, r, q, now); err != nil {
			return model.Gate{}, err
		}
	}
	if g.Tests[measures-1].State == model.GateWorse {
		if text := slowest(slow, bounds); text != "" {
			g.For = append(g.For, text)
		}
	}
	g.Title = title(&g, q)
	return g, nil
}

// read returns the requests and the application errors of both releases, and the clients that each
// has at least.
func read(ctx context.Context, r Reader, q model.GateQuery, now time.Time) (requests, errs []Cell, clients uint64, err error) {
	type minute struct {
		at      int64
		release bool
	}
	seen := map[minute]uint64{}
	for _, of := range []struct {
		cells  *[]Cell
		errors bool
	}{{&requests, false}, {&errs, true}} {
		asked := model.RollupQuery{By: []model.Facet{model.FacetVersion, model.FacetASN}, Errors: of.errors}
		if err := minutes(ctx, r, q, asked, now, func(v *model.Rollup) {
			if !of.errors { // nearly nobody is in two networks in one minute
				seen[minute{v.At.UnixMilli(), v.Key.Version == q.Version}] += v.Clients
			}
			*of.cells = append(*of.cells, Cell{At: v.At, ASN: v.Key.ASN, Release: v.Key.Version == q.Version, Requests: v.OK + v.Failed, Troubles: v.Failed, Reports: v.Reports})
		}); err != nil {
			return nil, nil, 0, err
		}
	}
	most := map[bool]uint64{}
	for m, n := range seen {
		most[m.release] = max(most[m.release], n)
	}
	for _, n := range most {
		if clients == 0 || n < clients {
			clients = n
		}
	}
	return requests, errs, clients, nil
}

// minutes calls add with the minutes of both releases, by what asked says.
func minutes(ctx context.Context, r Reader, q model.GateQuery, asked model.RollupQuery, now time.Time, add func(*model.Rollup)) error {
	asked.Step, asked.App, asked.Versions = model.RollupMinute, q.App, []string{q.Version, q.Against}
	for at := q.Since.Truncate(time.Minute); at.Before(now); at = at.Add(readAtOnce) {
		asked.Since, asked.Until = at, at.Add(readAtOnce)
		rows, err := r.Rollups(ctx, asked)
		if err != nil {
			return err
		}
		for i := range rows {
			add(&rows[i])
		}
	}
	return nil
}

// troubled returns requests of which so many met errors. Errors of networks or minutes without
// requests count as well.
func troubled(requests, errs []Cell) []Cell {
	all := make([]Cell, 0, len(requests)+len(errs))
	for _, c := range requests {
		c.Troubles = 0
		all = append(all, c)
	}
	for _, c := range errs {
		c.Requests, c.Reports = 0, 0
		all = append(all, c)
	}
	return all
}

// title says in a sentence what is known.
func title(g *model.Gate, q model.GateQuery) string {
	switch g.State {
	case model.GateWorse:
		var what []string
		for i := range g.Tests {
			if t := &g.Tests[i]; t.State == model.GateWorse {
				what = append(what, fmt.Sprintf("%s more %s in a hundred requests (%s to %s)", points(t.Difference), words(t.Name), points(t.Low), points(t.High)))
			}
		}
		text := fmt.Sprintf("%s %s is worse than %s: %s", q.App, q.Version, q.Against, strings.Join(what, ", "))
		if len(g.For) > 0 {
			text += "; mostly " + strings.Join(g.For, ", ")
		}
		return text
	case model.GateHealthy:
		return fmt.Sprintf("%s %s is no worse than %s: at most %s more failures in a hundred requests", q.App, q.Version, q.Against, points(g.Tests[0].High))
	default:
		t := &g.Tests[0]
		if t.Requests == 0 || t.AgainstRequests == 0 {
			return fmt.Sprintf("%s: nothing to compare: some %.0f requests of %s and %.0f of %s", q.App, t.Requests, q.Version, t.AgainstRequests, q.Against)
		}
		return fmt.Sprintf("%s: too little is known of %s: %s to %s more failures in a hundred requests than with %s", q.App, q.Version,
			points(max(t.Low, -1)), points(min(t.High, 1)), q.Against)
	}
}

func points(share float64) string { return fmt.Sprintf("%.2g", 100*share) }

func words(measure string) string {
	if measure == Slowness {
		return "slow answers"
	}
	return strings.ReplaceAll(measure, "_", " ")
}
