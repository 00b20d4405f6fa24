package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/intake"
)

// intake measures a detector's intake beside a floor that only opens and decodes.
func (s *session) intake(ctx context.Context) error {
	dir, remove, err := s.workDir()
	if err != nil {
		return err
	}
	defer remove()
	for _, counters := range []int{2, 20} {
		if err := s.takeIn(ctx, dir, counters); err != nil {
			return err
		}
	}
	return nil
}

// takeIn takes in batches of so many counters.
func (s *session) takeIn(ctx context.Context, dir string, counters int) error {
	w, err := intake.NewWorkload(counters, s.taken, time.Now().Add(-time.Minute))
	if err != nil {
		return err
	}
	all, err := w.Envelopes(0, w.Size)
	if err != nil {
		return err
	}
	var floors, ours []intake.Result
	for round := range s.rounds {
		floor, err := intake.Floor(w, all)
		if err != nil {
			return err
		}
		stop, err := s.profileTo(fmt.Sprintf("intake-%d.pprof", counters))
		if err != nil {
			return err
		}
		store := filepath.Join(dir, fmt.Sprintf("intake-%d-%d", counters, round))
		if err := os.MkdirAll(store, 0o700); err != nil {
			return err
		}
		our, err := intake.Run(ctx, store, w, all)
		stop()
		if err != nil {
			return err
		}
		if err := os.RemoveAll(store); err != nil {
			return err
		}
		floors, ours = append(floors, floor), append(ours, our)
	}
	s.compareIntake(counters, floors, ours)
	return nil
}

// profileTo profiles this process until stop is called, if profiles are asked for.
func (s *session) profileTo(name string) (stop func(), err error) {
	if s.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(s.profile, name))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}

func (s *session) compareIntake(counters int, floors, ours []intake.Result) {
	rate := func(r intake.Result) float64 { return r.PerSecond }
	cpu := func(r intake.Result) float64 { return float64(r.CPU.Nanoseconds()) / 1000 }
	row := func(name string, all []intake.Result) []string {
		perSecond := median(each(all, rate))
		return []string{name, thousands(perSecond), thousands(perSecond * float64(counters)), fmt.Sprintf("%.0f", median(each(all, cpu)))}
	}
	ratio, cost := medianRatio(each(ours, rate), each(floors, rate)), medianRatio(each(ours, cpu), each(floors, cpu))
	table(s.out, fmt.Sprintf("%s sealed batches with %s, read from a feed into a synced store", thousands(s.taken), plural(counters, "counter")),
		[]string{"", "batches/s", "counters/s", "CPU µs of a batch"},
		[][]string{row("floor: open and decode", floors), row("detector", ours), {"ratio", times(ratio), "", times(cost)}})
	if counters == 2 {
		s.target("intake with 2 counters a batch: ours / floor", "≥ 0.4×", times(ratio), ratio >= 0.4)
		return
	}
	most := median(each(ours, rate)) * float64(counters)
	s.target(fmt.Sprintf("intake with %d counters a batch: counters/s", counters), "≥ 100,000", thousands(most), most >= 100_000)
}

func each(all []intake.Result, f func(intake.Result) float64) (values []float64) {
	for _, r := range all {
		values = append(values, f(r))
	}
	return values
}

// backlog lets a detector catch up with a backlog: memory is not to grow with it.
func (s *session) backlog(ctx context.Context) error {
	dir, remove, err := s.workDir()
	if err != nil {
		return err
	}
	defer remove()
	w, err := intake.NewWorkload(2, s.batches, time.Now().Add(-time.Minute))
	if err != nil {
		return err
	}
	b, err := intake.RunBacklog(ctx, dir, w)
	if err != nil {
		return err
	}
	var medians, mosts []float64
	for _, fifth := range b.Heap {
		medians, mosts = append(medians, median(fifth)), append(mosts, slices.Max(fifth))
	}
	row := func(name string, bytes []float64) []string {
		cells := []string{name}
		for _, n := range bytes {
			cells = append(cells, fmt.Sprintf("%.0f", n/(1<<20)))
		}
		return cells
	}
	table(s.out, fmt.Sprintf("A backlog of %s batches with 2 counters, sealed in the same process while it is read at %s a second", thousands(s.batches), thousands(b.PerSecond)),
		[]string{"MiB of live heap in each fifth", "1st", "2nd", "3rd", "4th", "5th"}, [][]string{row("median", medians), row("most", mosts)})
	growth := medians[4] / medians[2]
	s.target("backlog: median live heap in the last fifth / in the third", "≤ 1.15×", times(growth), growth <= 1.15)
	return nil
}
