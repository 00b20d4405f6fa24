package maps

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// MonthResult is what a month of frames takes.
type MonthResult struct {
	Bytes  int64
	Append time.Duration // CPU time for a frame
	// Time to read each of some frames at random. The first one is read from a history that was
	// only just opened, and so with its topology.
	At, AtCPU []time.Duration
}

const (
	monthServers = 100_000
	monthFrames  = 30 * 24 * 60
	monthReads   = 300
)

// Month keeps a month of minute frames of 100,000 servers below dir, and reads frames at random. In
// each minute 20 servers at random are set, of which about 4 change, and once an hour a cluster of
// 500 goes down for 10 minutes.
func Month(ctx context.Context, dir string) (r MonthResult, err error) {
	first, random := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), rand.New(rand.NewPCG(3, 3))
	if r.Append, err = keep(ctx, dir, first, random); err != nil {
		return r, err
	}
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, past.Close()) }()
	for range monthReads {
		start, began := time.Now(), measure.CPU()
		if _, err := past.At(first.Add(time.Duration(random.IntN(monthFrames)) * time.Minute)); err != nil {
			return r, err
		}
		r.At, r.AtCPU = append(r.At, time.Since(start)), append(r.AtCPU, measure.CPU()-began)
	}
	r.Bytes, err = size(dir)
	return r, err
}

// keep appends the month's frames and returns the CPU time that each took.
func keep(ctx context.Context, dir string, first time.Time, random *rand.Rand) (each time.Duration, err error) {
	t, err := heatmap.NewTopology(fleet(monthServers))
	if err != nil {
		return 0, err
	}
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, past.Close()) }()
	m := heatmap.NewMap(t)
	for i := range monthServers {
		m.Set(i, heatmap.Up, first)
	}
	began := measure.CPU()
	for f := range monthFrames {
		at := first.Add(time.Duration(f) * time.Minute)
		churn(m, f, at, random)
		if err := errors.Join(past.Append(at, m.Snapshot()), ctx.Err()); err != nil {
			return 0, err
		}
	}
	return (measure.CPU() - began) / monthFrames, nil
}

// churn is what happens in minute f.
func churn(m *heatmap.Map, f int, at time.Time, r *rand.Rand) {
	for range 20 {
		i := r.IntN(monthServers)
		m.Set(i, heatmap.Up-heatmap.State(r.IntN(8)/7), at)
	}
	if minute := f % 60; minute == 0 || minute == 10 {
		for i := range 500 {
			m.Set(f/60%200*500+i, heatmap.Down+heatmap.State(minute/10), at)
		}
	}
}

// size returns the bytes of the files in a directory.
func size(dir string) (total int64, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return 0, err
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}
