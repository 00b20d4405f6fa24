package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/ingest"
)

// overload offers a collector five times what it can take, once by agents that do as slow-downs
// tell them and once by clients that do not.
func (s *session) overload(ctx context.Context) error {
	dir, remove, err := s.workDir()
	if err != nil {
		return err
	}
	defer remove()
	var rows [][]string
	for _, heed := range []bool{true, false} {
		r, err := ingest.RunOverload(ctx, dir, ingest.Overload{Agents: 4000, Factor: 5, Measure: 5 * time.Second, Duration: s.overTime,
			Patience: 3 * time.Second, Heed: heed})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		who := map[bool]string{true: "agents that heed slow-downs", false: "clients that ignore them"}[heed]
		rate := func(x float64) string { return thousands(x) }
		rows = append(rows, []string{who, rate(r.Capacity), rate(r.Wanted), rate(r.Sent), rate(r.Goodput), rate(r.Shed), rate(r.Lost),
			fmt.Sprintf("%.0f", r.P99.Seconds()*1000), fmt.Sprintf("%.2f", r.CPU), fmt.Sprintf("%.2f", r.LoadCPU), fmt.Sprint(r.EarlyMemory >> 20), fmt.Sprint(r.Memory >> 20)})
		goodput, growth := r.Goodput/r.Capacity, float64(r.Memory)/float64(r.EarlyMemory)
		s.target("5× overload by "+who+": goodput / capacity", "≥ 0.8×", times(goodput), goodput >= 0.8)
		s.target("5× overload by "+who+": most resident memory after the first fifth / in it", "≤ 1.15×", times(growth), growth <= 1.15)
	}
	table(s.out, fmt.Sprintf("5 times the capacity, from 4,000 connections for %v; per second", s.overTime),
		[]string{"", "capacity", "wanted", "sent", "goodput", "shed", "no answer in 3 s", "p99 ms", "server cores", "load cores", "MiB, first ⅕", "MiB, then"}, rows)
	return nil
}
