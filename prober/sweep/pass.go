package sweep

import (
	"context"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

const (
	tick     = 10 * time.Millisecond // between two portions of attempts
	settleIn = time.Second           // how long findings wait to be judged together
	perBatch = 16                    // most attempts that a worker takes at once
)

// pass probes n servers, of which at returns the k-th, at the rate of the options. It returns those
// that should be probed again soon, because they contradict what is held of them.
func (s *Sweeper) pass(ctx context.Context, n int, at func(k int) int32) (again []int32) {
	if n == 0 {
		return nil
	}
	jobs, found := make(chan []int32), make(chan *finding, 1024)
	var group sync.WaitGroup
	s.workers(ctx, min(s.o.Concurrency, n), jobs, found, &group)
	go func() { // ends with the pass
		defer close(found)
		s.dispatch(ctx, n, at, jobs)
		group.Wait()
	}()
	settle := time.NewTicker(settleIn)
	defer settle.Stop()
	var waiting []*finding
	for {
		select {
		case f, ok := <-found:
			if !ok {
				return append(again, s.settle(ctx, waiting)...)
			}
			waiting = append(waiting, f)
		case <-settle.C:
			again = append(again, s.settle(ctx, waiting)...)
			waiting = waiting[:0]
		}
	}
}

// dispatch hands servers to the workers as fast as the rate allows, and then closes jobs.
func (s *Sweeper) dispatch(ctx context.Context, n int, at func(k int) int32, jobs chan<- []int32) {
	defer close(jobs)
	began, given := time.Now(), 0
	for given < n && ctx.Err() == nil {
		due := min(n, int(time.Since(began).Seconds()*float64(s.o.Rate))+1)
		for given < due {
			batch := make([]int32, min(perBatch, due-given))
			for k := range batch {
				batch[k] = at(given + k)
			}
			select {
			case jobs <- batch:
				given += len(batch)
			case <-ctx.Done():
				return
			}
		}
		// what the workers could not take in time is not made up for
		if behind := int(time.Since(began).Seconds()*float64(s.o.Rate)) - given; behind > s.o.Rate {
			began = time.Now().Add(-time.Duration(float64(given) / float64(s.o.Rate) * float64(time.Second)))
		}
		if given < n {
			sleep(ctx, tick)
		}
	}
}

// settle judges findings, which it may keep, and returns the servers to probe again soon.
func (s *Sweeper) settle(ctx context.Context, all []*finding) (again []int32) {
	if ctx.Err() != nil {
		return nil
	}
	var earliest time.Time
	for _, f := range all {
		if f.failed() && (earliest.IsZero() || f.started.Before(earliest)) {
			earliest = f.started
		}
	}
	counts := earliest.IsZero() || s.o.Vouch(ctx, earliest)
	now := time.Now()
	for _, f := range all {
		held := unpack(s.held[f.server].Load())
		if f.err != nil || f.failed() && !counts {
			s.metrics.doubt()
			held = record{state: held.state} // the attempts just before are in doubt, too
			s.held[f.server].Store(held.pack())
			s.outbox.add(f, held.state, true, now)
			continue
		}
		next := held.judge(f.failed(), s.o.DownAfter, s.o.UpAfter)
		s.held[f.server].Store(next.pack())
		if next.state != held.state {
			s.o.Map.Set(int(f.server), next.state, now)
		}
		if next.open() {
			again = append(again, f.server)
		}
		if next.state != held.state || s.outbox.reminds(f.server, s.round) {
			s.outbox.add(f, next.state, false, now)
		}
	}
	s.outbox.flushDue(now)
	return again
}

// record is what is held of a server.
type record struct {
	state   heatmap.State
	failed  uint8 // failed attempts in a row, if not down
	passed  uint8 // successful attempts in a row, if not up
	suspect bool  // the last attempt failed and is to be confirmed
}

func (r record) pack() uint32 {
	packed := uint32(r.state) | uint32(r.failed)<<8 | uint32(r.passed)<<16
	if r.suspect {
		packed |= 1 << 24
	}
	return packed
}

func unpack(packed uint32) record {
	return record{heatmap.State(packed), uint8(packed >> 8), uint8(packed >> 16), packed>>24 != 0}
}

// open reports whether the last attempts contradict the state.
func (r record) open() bool { return r.suspect || r.failed > 0 || r.passed > 0 }

// judge returns the record after one more attempt. A first failure only counts once it is confirmed
// by an attempt made at once, as in package prober.
func (r record) judge(failed bool, downAfter, upAfter int) record {
	switch {
	case failed && r.state == heatmap.Down:
		return record{state: heatmap.Down}
	case failed && r.failed == 0 && !r.suspect:
		return record{state: r.state, suspect: true}
	case failed:
		if r.failed++; int(r.failed) >= downAfter {
			return record{state: heatmap.Down}
		}
		return record{state: r.state, failed: r.failed}
	case r.state == heatmap.Up:
		return record{state: heatmap.Up}
	}
	if r.passed++; int(r.passed) >= upAfter {
		return record{state: heatmap.Up}
	}
	return record{state: r.state, passed: r.passed}
}
