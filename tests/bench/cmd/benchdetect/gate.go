package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/gate"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

const (
	release, before = "1.5.0", "1.4.2"
	bake            = 30 * time.Minute
)

// gates rolls out releases to a tenth of the users, healthy ones and ones that fail 2 % more or
// take half as long again, and asks the gate each minute.
func gates(ctx context.Context, o *options, out io.Writer) error {
	var rows [][]string
	for _, world := range []struct {
		name   string
		fails  float64
		slower float64 // how many times as long the release's requests take
		rate   float64 // requests per second
	}{{"healthy, 100 requests/s", 0, 1, 100}, {"2 % more fail, 100 requests/s", .02, 1, 100}, {"half as slow again, 100 requests/s", 0, 1.5, 100},
		{"healthy, 30 requests/s", 0, 1, 30}, {"2 % more fail, 30 requests/s", .02, 1, 30}} {
		counts := map[model.GateState]int{}
		var took []time.Duration
		for seed := range o.releases {
			if err := ctx.Err(); err != nil {
				return err
			}
			p, err := rollOut(ctx, uint64(o.first+seed), world.fails, world.slower, world.rate)
			if err != nil {
				return err
			}
			counts[p.last.State]++
			if p.last.State == model.GateWorse {
				took = append(took, p.took)
			}
		}
		slices.Sort(took)
		median := "-"
		if len(took) > 0 {
			median = fmt.Sprintf("%v, %v", took[len(took)/2], took[len(took)-1])
		}
		rows = append(rows, []string{world.name, fmt.Sprint(o.releases), fmt.Sprint(counts[model.GateWorse]), fmt.Sprint(counts[model.GateHealthy]), fmt.Sprint(counts[model.GateUnknown]), median})
	}
	table(out, "Gate: releases to a tenth of the users, watched for 30 minutes", []string{"", "releases", "stopped", "healthy", "too little data", "stopped after (median, longest)"}, rows)
	return nil
}

// rollout is a delivery pipeline beside a simulation, and the store that it asks.
type rollout struct {
	ctx    context.Context
	query  model.GateQuery
	slower float64
	rng    *rand.Rand // for durations
	rows   []judgement.Row
	cells  []detector.RollupCell
	last   model.Gate
	took   time.Duration // until last.State was worse
}

func rollOut(ctx context.Context, seed uint64, fails, slower, rate float64) (*rollout, error) {
	text := fmt.Sprintf("about: A release.\nduration: 35m\nworld: {requests_per_second: %v}\nreleases: [{version: %s, start: 5m, share: 0.1}]\n", rate, release)
	if fails > 0 {
		text += fmt.Sprintf("faults: [{start: 5m, duration: 30m, outcomes: {http.error: 1}, status: 500, share: %v, verdict: release, scope: {version: [%s]}}]\n", fails, release)
	}
	s, err := simulate.Parse("release.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	p := &rollout{ctx: ctx, slower: slower, rng: rand.New(rand.NewPCG(seed, 9)),
		query: model.GateQuery{App: s.World.App, Version: release, Against: before, Since: s.Start.Add(5 * time.Minute)}}
	return p, simulate.Run(s, seed, p)
}

// Row takes a row of requests, and invents how long they took.
func (p *rollout) Row(r simulate.Row) error {
	p.rows = append(p.rows, r)
	if r.Outcome != report.OK || r.App != p.query.App {
		return nil
	}
	median := 0.1 + 0.05*float64(r.ASN%7) // networks differ
	if r.Version == release {
		median *= p.slower
	}
	var h report.Histogram
	for range r.Raw {
		d := median * math.Exp(0.7*p.rng.NormFloat64())
		h = h.Plus(report.Histogram{{Index: report.HistogramIndex(time.Duration(d * float64(time.Second))), Count: 1}})
	}
	r.Took = &h
	p.rows = append(p.rows, r)
	return nil
}

func (p *rollout) Probe(simulate.Probe) error { return nil }

func (p *rollout) Tick(at int64) error {
	now := time.UnixMilli(at)
	if at%time.Minute.Milliseconds() != 0 || p.took > 0 {
		return nil
	}
	p.cells = append(p.cells, detector.RollUp(p.rows)...)
	p.rows = p.rows[:0]
	if !now.After(p.query.Since) {
		return nil
	}
	var err error
	if p.last, err = gate.Judge(p.ctx, p, p.query, now); err == nil && p.last.State == model.GateWorse {
		p.took = now.Sub(p.query.Since)
	}
	return err
}

// Rollups implements gate.Reader.
func (p *rollout) Rollups(_ context.Context, q model.RollupQuery) (all []model.Rollup, err error) {
	type key struct {
		at int64
		model.RollupKey
	}
	at := map[key]int{}
	for i := range p.cells {
		c := &p.cells[i]
		if c.At.Before(q.Since) || c.At.Add(q.Step).After(q.Until) || c.App != q.App || !slices.Contains(q.Versions, c.Version) || c.OfErrors() != q.Errors || c.OfDurations() != q.Durations {
			continue
		}
		k := key{c.At.UnixMilli(), c.Only(q.By)}
		n, known := at[k]
		if !known {
			n, at[k] = len(all), len(all)
			all = append(all, model.Rollup{At: c.At, Key: k.RollupKey})
		}
		if all[n].Reports += c.Raw; c.Outcome == report.OK || q.Durations {
			all[n].OK += c.Estimated
		} else {
			all[n].Failed += c.Estimated
		}
	}
	return all, nil
}
