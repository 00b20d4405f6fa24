package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/probes"
)

// swept is how many servers the sweep has.
const swept = 1_000_000

// probes measures scrapes of /probe beside blackbox_exporter.
func (s *session) probes(ctx context.Context) (err error) {
	dir, remove, err := s.workDir()
	if err != nil {
		return err
	}
	defer remove()
	binary := filepath.Join(dir, "heliograph")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./cmd/heliograph")
	build.Dir = filepath.Join("..", "..") // the product's module, as bench runs in its own directory
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building heliograph: %w\n%s", err, out)
	}
	names := []string{probes.Blackbox, probes.Heliograph}
	var programs [2]*probes.Program
	for i, name := range names {
		if programs[i], err = probes.Start(ctx, name, binary, dir); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, programs[i].Stop()) }()
	}
	var rates, costs [2][]float64
	for range s.rounds {
		for i, p := range programs {
			if _, err := p.Load(ctx, s.connections, 4*warm); err != nil {
				return err
			}
			r, err := p.Load(ctx, s.connections, s.loadTime)
			if err != nil {
				return err
			}
			rates[i], costs[i] = append(rates[i], r.PerSecond), append(costs[i], float64(r.CPU))
		}
	}
	var rows [][]string
	for i, name := range names {
		rows = append(rows, []string{name, thousands(median(rates[i])), time.Duration(median(costs[i])).Round(time.Microsecond).String()})
	}
	rate, cost := medianRatio(rates[1], rates[0]), medianRatio(costs[0], costs[1])
	rows = append(rows, []string{"ratio, the median of those of the rounds", times(rate), times(cost)})
	table(s.out, fmt.Sprintf("Scrapes of /probe by HTTP, %d connections", s.connections), []string{"", "probes/s", "CPU of a probe"}, rows)
	s.target("HTTP probes/s of scrapes beside blackbox_exporter", "≥ 3×", times(rate), rate >= 3)
	return nil
}

// sweep measures a round over a large fleet.
func (s *session) sweep(ctx context.Context) error {
	r, err := probes.Sweep(ctx, swept)
	if err != nil {
		return err
	}
	if r.Up != swept {
		return fmt.Errorf("%d of %d servers are up", r.Up, swept)
	}
	table(s.out, "Sweep of "+thousands(swept)+" servers by TCP, with the listener in the same process", []string{"time", "CPU", "memory"},
		[][]string{{r.Took.Round(100 * time.Millisecond).String(), r.CPU.Round(100 * time.Millisecond).String(), strconv.FormatInt(r.Memory>>20, 10) + " MiB"}})
	s.target("Sweep of 1,000,000 servers", "< 120 s", r.Took.Round(time.Second).String(), r.Took < 2*time.Minute)
	s.target("Memory of it", "< 1 GB", strconv.FormatInt(r.Memory>>20, 10)+" MiB", r.Memory < 1e9)
	return nil
}
