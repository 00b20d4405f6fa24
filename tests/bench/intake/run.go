package intake

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// Result is what taking in a workload took.
type Result struct {
	PerSecond float64       // batches
	CPU       time.Duration // for each batch, on all cores together
}

func resultOf(batches int, took, cpu time.Duration) Result {
	return Result{PerSecond: float64(batches) / took.Seconds(), CPU: cpu / time.Duration(batches)}
}

// Floor opens and decodes batches on all CPUs, and forgets them.
func Floor(w *Workload, all []report.Envelope) (Result, error) {
	keys := w.Keyring()
	workers := runtime.GOMAXPROCS(0)
	faults := make([]error, workers)
	start, cpu := time.Now(), measure.CPU()
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < len(all) && faults[worker] == nil; i += workers {
				faults[worker] = openOne(keys.Open(all[i].Segment))
			}
		})
	}
	wg.Wait()
	return resultOf(len(all), time.Since(start), measure.CPU()-cpu), errors.Join(faults...)
}

// openOne decodes what was opened.
func openOne[Info any](_ Info, records [][]byte, err error) error {
	for _, r := range records {
		if err == nil {
			_, err = report.DecodeRecord(r)
		}
	}
	return err
}

// Run has a detector read batches from a feed into a new SQLite store in a directory, until it has
// acknowledged them all. Batches are older than bins wait for, so that the judgement begins after
// that.
func Run(ctx context.Context, dir string, w *Workload, all []report.Envelope) (Result, error) {
	f := newFeed(w, all)
	r, err := run(ctx, dir, w, f)
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

func run(ctx context.Context, dir string, w *Workload, f *feed) (r Result, err error) {
	events, state, err := sqlitestore.Open(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, events.Close(), state.Close()) }()
	d, err := detector.New(detector.Options{Feeds: map[string]detector.Feed{"c1": f}, Events: events, State: state, Keys: w.Keyring()})
	if err != nil {
		return r, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	start, cpu := time.Now(), measure.CPU()
	go func() { ended <- d.Run(running) }()
	select {
	case <-f.done:
	case <-ctx.Done():
	}
	r = resultOf(w.Size, time.Since(start), measure.CPU()-cpu)
	stop()
	if err := errors.Join(<-ended, ctx.Err()); err != nil {
		return r, err
	}
	return r, check(ctx, w, events, state)
}

// check checks that everything is stored, and nothing set aside.
func check(ctx context.Context, w *Workload, events detector.Events, state detector.State) error {
	stored, err := events.Batches(ctx, time.Time{})
	if err != nil {
		return err
	}
	held, err := state.QuarantineCounts(ctx)
	if err != nil {
		return err
	}
	if stored != uint64(w.Size) || len(held) > 0 {
		return fmt.Errorf("%d batches of %d are stored, and in quarantine are %+v", stored, w.Size, held)
	}
	totals, err := events.Totals(ctx, model.TotalsQuery{Delivery: true})
	if err != nil {
		return err
	}
	if len(totals) != 1 || totals[0].OK+totals[0].Clipped != float64(w.Size) {
		return fmt.Errorf("deliveries of %d batches are %+v", w.Size, totals)
	}
	return nil
}
