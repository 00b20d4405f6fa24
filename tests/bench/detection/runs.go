package detection

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/simulate"
)

// WorldOptions say what to run.
type WorldOptions struct {
	Scenario string // one of simulate.Names
	Seeds    int    // how many
	First    int    // the first seed; 0 means 1
	Peers    bool   // run the simple rules, too
	Parallel int    // runs at a time
	Judge    judgement.Options
	// Change, if any, changes the scenario before it runs.
	Change func(*simulate.Scenario)
}

// World is what many runs of one scenario gave.
type World struct {
	Scenario string
	Runs     []Run // by seed
}

// Run is one run.
type Run struct {
	Seed       uint64
	Grades     []Grade
	FalsePages []judgement.Event
	Events     []judgement.Event
	Days       float64 // simulated
	Peers      []PeerRun
	Cells      int
	CPU        time.Duration // of this run's judging and simulating
}

// PeerRun is what one simple rule made of a run.
type PeerRun struct {
	Delays []float64 // by fault, in seconds; infinite if never
	False  int       // alarms outside of all faults
}

// RunWorld runs a scenario under many seeds.
func RunWorld(ctx context.Context, o WorldOptions) (*World, error) {
	w := &World{Scenario: o.Scenario, Runs: make([]Run, o.Seeds)}
	errs := make([]error, o.Seeds)
	slots := make(chan struct{}, max(o.Parallel, 1))
	var wg sync.WaitGroup
	for i := range o.Seeds {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			w.Runs[i], errs[i] = runOne(o, uint64(max(o.First, 1)+i))
		})
	}
	wg.Wait()
	for _, err := range append(errs, ctx.Err()) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Scenario, err)
		}
	}
	return w, nil
}

func runOne(o WorldOptions, seed uint64) (Run, error) {
	r := Run{Seed: seed}
	s, err := simulate.Named(o.Scenario)
	if err != nil {
		return r, err
	}
	if o.Change != nil {
		o.Change(s)
	}
	p, err := newPlay(o.Judge, o.Peers)
	if err != nil {
		return r, err
	}
	start := time.Now()
	if err := simulate.Run(s, seed, p); err != nil {
		return r, err
	}
	truths := simulate.Truths(s, seed)
	r.CPU, r.Cells, r.Events, r.Days = time.Since(start), p.cells, p.events, s.Duration.Hours()/24
	r.Grades, r.FalsePages = grades(p.events, truths)
	for i := range p.rules {
		peer := PeerRun{False: peerFalse(p.alarms[i], truths)}
		for _, t := range truths {
			delay, ok := peerDelay(p.alarms[i], &t)
			if !ok {
				delay = math.MaxInt64
			}
			peer.Delays = append(peer.Delays, float64(delay)/1000)
		}
		r.Peers = append(r.Peers, peer)
	}
	runtime.GC()
	return r, nil
}

// Quantile returns the value at a fraction of the sorted values, 0 without any.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
