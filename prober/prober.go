package prober

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// ErrInconclusive is what OnResult gets, wrapped, for an attempt that counts neither for nor
// against its target.
var ErrInconclusive = errors.New("inconclusive")

// errRunning is the answer to a second Run.
var errRunning = errors.New("prober is running already")

// Prober probes targets until it is told to stop. One goroutine, Run's own, holds the schedule;
// workers make the attempts.
type Prober struct {
	options Options // like all, the outbox and the warnings, Run's once that works
	servers *heatmap.Map
	all     []*server
	vantage *vantage
	metrics *metrics
	outbox  *outbox

	warnings warnings

	running atomic.Bool
	given   Options    // those of New, without defaults
	next    chan *plan // that a Reload wants to be taken up
}

// server is one target and what the prober remembers of it. It belongs to the worker that probes
// it, else to Run's goroutine.
type server struct {
	target *Target
	probe  probe.Func
	index  int // in the map
	rank   int // among the names
	state  heatmap.State
	failed int // attempts in a row
	passed int // attempts in a row

	slot time.Time // of the regular attempt that was made last or comes next
	due  time.Time // of the next attempt: slot, or that of a retry

	result probe.Result     // of the attempt just made
	err    error            // why that does not count
	ended  time.Time        // when it was made
	told   report.Judgement // that was handed on last; 0: none was

	warning string    // of the last attempt that succeeded
	ends    time.Time // its certificate; zero: none
}

// New checks the options, naming the faults, and makes the probes. Nothing is sent before Run.
func New(o Options) (*Prober, error) {
	p := &Prober{given: o, next: make(chan *plan, 1)}
	first, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	p.servers = o.Map
	if p.servers == nil {
		p.servers = heatmap.NewMap(first.topology)
	}
	p.options, p.all = first.options, first.all
	for _, s := range p.all {
		s.state, _ = p.servers.State(s.index)
	}
	p.vantage = &vantage{witnesses: first.witnesses, timeout: p.options.Timeout, logger: p.options.Logger}
	p.outbox = newOutbox(&p.options, p.all)
	if p.metrics, err = newMetrics(p.options.Metrics, p); err != nil {
		return nil, err
	}
	return p, nil
}

// Map is where the results are.
func (p *Prober) Map() *heatmap.Map { return p.servers }

// Run probes until ctx ends; then it cancels the attempts under way, waits for them and returns
// nil. It is an error to run a prober twice at a time.
func (p *Prober) Run(ctx context.Context) error {
	if !p.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer p.running.Store(false)
	for _, s := range p.all {
		s.slot = time.Time{} // of a Run before this one
	}
	for ctx.Err() == nil {
		if next := p.work(ctx); next != nil {
			p.take(next)
		}
	}
	p.outbox.flush(time.Now())
	return nil
}

// work probes until ctx ends, or a plan comes, which it returns.
func (p *Prober) work(ctx context.Context) *plan {
	ctx, cancel := context.WithCancel(ctx)
	jobs := make(chan *server)
	workers := min(p.options.Concurrency, len(p.all))
	done := make(chan *server, workers)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for s := range jobs {
				p.attempt(ctx, s)
				select {
				case done <- s:
				case <-ctx.Done(): // nobody takes it any more
				}
			}
		})
	}
	next := p.schedule(ctx, jobs, done)
	cancel()
	close(jobs)
	group.Wait()
	return next
}

// schedule hands out servers when they are due and judges what comes back, until ctx ends or a plan
// comes.
func (p *Prober) schedule(ctx context.Context, jobs chan<- *server, done <-chan *server) *plan {
	q := newQueue(p.all, time.Now(), p.options.Interval)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		wake := p.outbox.flushDue(now)
		var out chan<- *server // nil, which blocks, while nobody is due
		next := q.first()
		switch {
		case next == nil:
		case !next.due.After(now):
			out = jobs
		case wake.IsZero() || next.due.Before(wake):
			wake = next.due
		}
		if !wake.IsZero() {
			timer.Reset(wake.Sub(now))
		}
		select {
		case out <- next:
			q.removeFirst()
		case s := <-done:
			p.settle(s, time.Now())
			q.add(s)
		case <-timer.C:
		case plan := <-p.next:
			return plan
		case <-ctx.Done():
			return nil
		}
	}
}

// attempt probes s once and asks the witnesses if need be. A worker runs it.
func (p *Prober) attempt(ctx context.Context, s *server) {
	p.metrics.late(time.Since(s.due))
	started := time.Now()
	s.result, s.err = p.probe(ctx, s)
	s.ended = time.Now()
	if s.err != nil {
		s.err = fmt.Errorf("%w: %w", ErrInconclusive, s.err)
		return
	}
	if !s.result.Outcome.Valid() {
		s.result.Outcome = report.Unknown
	}
	failed := s.result.Outcome.Failed()
	falls := failed && s.state != heatmap.Down && s.failed+1 >= p.options.DownAfter
	// While the vantage is in doubt every attempt asks: a failure then counts for nothing, and
	// somebody must notice its recovery.
	if (falls || p.vantage.inDoubt()) && !p.vantage.vouch(ctx, started) && failed {
		s.err = fmt.Errorf("%w: no witness answers either", ErrInconclusive)
	}
}

// probe bounds the time of an attempt.
func (p *Prober) probe(ctx context.Context, s *server) (probe.Result, error) {
	timeout := p.options.Timeout
	if s.target.Timeout > 0 {
		timeout = s.target.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return guard(ctx, s.probe)
}

// guard turns a panic into an error: a caller's own probe.Func runs in a goroutine that the caller
// cannot guard.
func guard(ctx context.Context, f probe.Func) (r probe.Result, err error) {
	defer func() {
		if recover() != nil {
			r, err = probe.Result{}, errors.New("the probe panicked")
		}
	}()
	return f(ctx)
}

// settle judges the attempt just made, tells everybody and sets the time of the next.
func (p *Prober) settle(s *server, now time.Time) {
	again := false
	if s.err != nil {
		s.failed, s.passed = 0, 0 // what came just before is in doubt too
	} else {
		again = s.judge(p.options.DownAfter, p.options.UpAfter)
		p.servers.Set(s.index, s.state, now)
	}
	s.reschedule(now, again, &p.options)
	p.outbox.add(s, now)
	p.metrics.attempt(s.result, s.err)
	p.noteWarning(s)
	if p.options.OnResult != nil {
		p.options.OnResult(*s.target, s.result, s.err)
	}
}
