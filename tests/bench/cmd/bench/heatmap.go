package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/client"
	"github.com/heliograph-net/heliograph/tests/bench/maps"
)

// heatmap measures maps of 1,000,000 servers and a month of their past.
func (s *session) heatmap(ctx context.Context) error {
	set, err := maps.Set()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		heading string
		cases   []client.Case
	}{
		{"Setting or clearing one server of 1,000,000", set},
		{"Counting 1,000,000 servers", maps.Count()},
		{"The difference of two maps of 1,000,000 servers, counted", maps.Difference()},
		{"Applying a difference of 20 servers to a map of 1,000,000", maps.Delta()},
	} {
		if _, err := s.compare(ctx, part.heading, maps.Ours, part.cases); err != nil {
			return err
		}
	}
	topology, err := s.compare(ctx, "A topology of 1,000,000 servers", maps.Ours, maps.Topology())
	if err != nil {
		return err
	}
	cases, err := maps.Picture()
	if err != nil {
		return err
	}
	pictures, err := s.compare(ctx, "A picture of 1,000,000 servers of which 1 % are down, with borders and labels", maps.Ours, cases)
	if err != nil {
		return err
	}
	s.atMost("a topology of 1,000,000, the fastest", 300*time.Millisecond, named(topology, maps.Ours))
	s.atMost("a picture of 1,000,000, the fastest", 6*time.Millisecond, named(pictures, maps.Ours))
	return s.month(ctx)
}

// atMost notes how the fastest operation compares to a time: what else the machine does only makes
// others slower.
func (s *session) atMost(what string, most time.Duration, r rounds) {
	least := time.Duration(slices.Min(r.least))
	s.target(what, "≤ "+most.String(), least.Round(10*time.Microsecond).String(), least <= most)
}

// month measures the history of a month.
func (s *session) month(ctx context.Context) error {
	dir, remove, err := s.workDir()
	if err != nil {
		return err
	}
	defer remove()
	r, err := maps.Month(ctx, dir)
	if err != nil {
		return err
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1e3) }
	worst := slices.Max(r.AtCPU)
	table(s.out, "A month of minute frames of 100,000 servers",
		[]string{"MB", "CPU ms to add one", "CPU ms to read one, median", "worst", "the first, with its topology", "ms to read one, median"},
		[][]string{{fmt.Sprintf("%.1f", float64(r.Bytes)/1e6), ms(r.Append), ms(median(r.AtCPU)), ms(worst), ms(r.AtCPU[0]), ms(median(r.At))}})
	s.target("a month of minute frames of 100,000 servers", "< 200 MB", fmt.Sprintf("%.1f MB", float64(r.Bytes)/1e6), r.Bytes < 200e6)
	s.target("any frame of it, CPU time of the slowest of those read", "< 50 ms", ms(worst)+" ms", worst < 50*time.Millisecond)
	return nil
}
