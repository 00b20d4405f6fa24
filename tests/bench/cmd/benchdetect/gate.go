package main

import (
	"context"
	"fmt"
	"io"
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

// gates rolls out releases to a tenth of the users, healthy ones and ones that fail 2 % more, and
// asks the gate each minute.
func gates(ctx context.Context, o *options, out io.Writer) error {
	var rows [][]string
	for _, world := range []struct {
		name  string
		fails float64
		rate  float64 // requests per second
	}{{"healthy, 100 requests/s", 0, 100}, {"2 % more fail, 100 requests/s", .02, 100}, {"healthy, 30 requests/s", 0, 30}, {"2 % more fail, 30 requests/s", .02, 30}} {
		counts := map[model.GateState]int{}
		var took []time.Duration
		for seed := range o.releases {
			if err := ctx.Err(); err != nil {
				return err
			}
			p, err := rollOut(uint64(o.first+seed), world.fails, world.rate)
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

// rollout is a delivery pipeline beside a simulation.
type rollout struct {
	since time.Time
	rows  []judgement.Row
	cells []gate.Cell
	last  model.GateMeasure
	took  time.Duration // until last.State was worse
}

func rollOut(seed uint64, fails, rate float64) (*rollout, error) {
	text := fmt.Sprintf("about: A release.\nduration: 35m\nworld: {requests_per_second: %v}\nreleases: [{version: %s, start: 5m, share: 0.1}]\n", rate, release)
	if fails > 0 {
		text += fmt.Sprintf("faults: [{start: 5m, duration: 30m, outcomes: {http.error: 1}, status: 500, share: %v, verdict: release, scope: {version: [%s]}}]\n", fails, release)
	}
	s, err := simulate.Parse("release.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	p := &rollout{since: s.Start.Add(5 * time.Minute)}
	return p, simulate.Run(s, seed, p)
}

func (p *rollout) Row(r simulate.Row) error   { p.rows = append(p.rows, r); return nil }
func (p *rollout) Probe(simulate.Probe) error { return nil }

func (p *rollout) Tick(at int64) error {
	now := time.UnixMilli(at)
	if at%time.Minute.Milliseconds() != 0 || p.took > 0 {
		return nil
	}
	for _, c := range detector.RollUp(p.rows) {
		if c.Version != release && c.Version != before || c.At.Before(p.since) {
			continue
		}
		cell := gate.Cell{At: c.At, ASN: c.ASN, Release: c.Version == release, Requests: c.Estimated, Reports: c.Raw}
		if c.Outcome != report.OK {
			cell.Troubles = c.Estimated
		}
		p.cells = append(p.cells, cell)
	}
	p.rows = p.rows[:0]
	// half of the error is the application errors'
	if p.last = gate.Compare(gate.Failures, p.cells, .005, .02); p.last.State == model.GateWorse {
		p.took = now.Sub(p.since)
	}
	return nil
}
