package prober

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/maintenance"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// ErrInconclusive is the error of an attempt that counts neither for nor against its target.
// Options.OnResult gets it wrapped.
var ErrInconclusive = errors.New("inconclusive")

// errRunning is the error of a second Run.
var errRunning = errors.New("prober is running already")

// Prober probes targets. The goroutine that calls [Prober.Run] keeps the schedule, and workers make
// the attempts.
type Prober struct {
	options Options // during Run, its goroutine owns this field and all, outbox and warnings
	servers *heatmap.Map
	all     []*server
	vantage *vantage
	names   *resolver
	clock   *clock
	uplink  *uplink
	metrics *metrics
	ofEach  *targetMetrics
	outbox  *outbox

	warnings   warnings
	maintained atomic.Int64 // servers whose last attempt was during maintenance

	running atomic.Bool
	given   Options    // the options of New, without defaults
	next    chan *plan // from Reload to Run
}

// server is one target and its state. The worker that probes it owns it, and otherwise
// Run's goroutine.
type server struct {
	target *Target
	probe  probe.Func
	index  int // in the map
	rank   int // in the order of names
	// when failures are expected
	maintenance []*maintenance.Window
	state       heatmap.State
	failed      int // failed attempts in a row
	passed      int // successful attempts in a row
	// whether the last attempt failed and is to be confirmed
	suspect bool

	slot time.Time // of the last or the next regular attempt
	due  time.Time // of the next attempt: slot, or the time of a retry

	result probe.Result     // of the last attempt
	err    error            // why the last attempt does not count
	served bool             // whether the last attempt ended during maintenance
	ended  time.Time        // when the last attempt ended
	told   report.Judgement // the last that was delivered; 0: none

	warning string    // of the last attempt that succeeded
	ends    time.Time // when its certificate expires; zero: it has none
}

// New validates the options and makes the probes. The error names all faults. Nothing is sent
// before [Prober.Run].
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
	p.clock = &clock{logger: p.options.Logger}
	p.uplink = &uplink{addresses: addressesUp}
	p.vantage = &vantage{witnesses: first.witnesses, timeout: p.options.Timeout, logger: p.options.Logger, hear: p.clock.hear}
	p.names = newResolver(p.options.Env)
	p.outbox = newOutbox(&p.options, p.all)
	p.ofEach = newTargetMetrics(o.TargetMetrics)
	p.ofEach.keep(p.all)
	if p.metrics, err = newMetrics(p.options.Metrics, p); err != nil {
		return nil, err
	}
	return p, nil
}

// Map returns the map of results.
func (p *Prober) Map() *heatmap.Map { return p.servers }

// Vouch reports whether a witness answered in a round that began no earlier than shortly before
// since. If there is none, it asks the witnesses. It is true if there are no witnesses, and false
// if ctx ends first. It is safe for concurrent use, during Run and without it.
func (p *Prober) Vouch(ctx context.Context, since time.Time) bool {
	return p.vantage.vouch(ctx, since)
}

// Run probes until ctx ends. Then it cancels the attempts in flight, waits for them and returns
// nil. It is an error to call Run while another call is running.
func (p *Prober) Run(ctx context.Context) error {
	if !p.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer p.running.Store(false)
	for _, s := range p.all {
		s.slot = time.Time{} // the slot of an earlier Run
	}
	for ctx.Err() == nil {
		if next := p.work(ctx); next != nil {
			p.take(next)
		}
	}
	p.outbox.flush(time.Now())
	return nil
}

// work probes until ctx ends or until there is a new plan, which it returns.
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
				case <-ctx.Done(): // the schedule no longer reads
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

// schedule hands out servers when they are due and judges the results, until ctx ends or there is
// a new plan.
func (p *Prober) schedule(ctx context.Context, jobs chan<- *server, done <-chan *server) *plan {
	q := newQueue(p.all, time.Now(), &p.options)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		wake := p.outbox.flushDue(now)
		var out chan<- *server // nil, which blocks, while no server is due
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

// attempt probes s once, and the witnesses if necessary. Workers call it.
func (p *Prober) attempt(ctx context.Context, s *server) {
	p.metrics.late(time.Since(s.due))
	started := time.Now()
	s.result, s.err = p.probe(ctx, s)
	s.ended = time.Now()
	if s.err != nil {
		s.err = &doubt{cause: causeMachine, reason: s.err}
		return
	}
	if !s.result.Outcome.Valid() {
		s.result.Outcome = report.Unknown
	}
	failed := s.result.Outcome.Failed()
	if failed {
		if s.err = p.Doubt(ctx, &s.result); s.err != nil {
			return
		}
	} else {
		p.clock.hear(&s.result)
		if len(s.result.Steps) > 0 && s.result.Steps[0].Name == probe.StepDNS {
			p.names.learn(ctx)
		}
	}
	// The witnesses are asked before any failure counts. While the vantage is in doubt, every
	// attempt asks them, because the prober must notice when the vantage recovers.
	if (failed || p.vantage.inDoubt()) && !p.vantage.vouch(ctx, started) && failed {
		s.err = &doubt{cause: causeWitness, text: "no witness answers either"}
	}
}

// probe makes one attempt with a timeout.
func (p *Prober) probe(ctx context.Context, s *server) (probe.Result, error) {
	timeout := p.options.Timeout
	if s.target.Timeout > 0 {
		timeout = s.target.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return guard(ctx, s.probe)
}

// guard turns a panic into an error, because an embedder's own probe.Func runs in a goroutine of
// the prober.
func guard(ctx context.Context, f probe.Func) (r probe.Result, err error) {
	defer func() {
		if recover() != nil {
			r, err = probe.Result{}, errors.New("the probe panicked")
		}
	}()
	return f(ctx)
}

// inMaintenance reports whether failures of s are expected now.
func (s *server) inMaintenance(now time.Time) bool {
	return slices.ContainsFunc(s.maintenance, func(w *maintenance.Window) bool { return w.Open(now) })
}

// serve notes whether s is in maintenance.
func (p *Prober) serve(s *server, now bool) {
	switch {
	case now && !s.served:
		p.maintained.Add(1)
	case s.served && !now:
		p.maintained.Add(-1)
	}
	s.served = now
}

// settle judges the last attempt, passes on its result and schedules the next attempt.
func (p *Prober) settle(s *server, now time.Time) {
	when := regularly
	p.serve(s, s.inMaintenance(now))
	switch {
	case s.served: // what comes after it begins anew
		s.doubted()
		s.state = heatmap.Unknown
		p.servers.Set(s.index, s.state, now)
	case s.err != nil:
		s.doubted()
	default:
		when = s.judge(p.options.DownAfter, p.options.UpAfter)
		p.servers.Set(s.index, s.state, now)
	}
	s.reschedule(now, when, &p.options)
	p.outbox.add(s, now)
	p.metrics.attempt(s.result, s.err)
	p.ofEach.attempt(s)
	p.noteWarning(s)
	if p.options.OnResult != nil {
		p.options.OnResult(*s.target, s.result, s.err)
	}
}
