// Package lifecycle runs the parts of a daemon side by side and ends them in order.
//
// Every service of this module has New(Options) and Run(ctx). New holds nothing that must be
// released, or the service has a Close for it. Run works until ctx ends, drains and returns nil.
// Start with [Group].
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Part is a part of a process: a service, or something that services use.
type Part struct {
	// Name is used in errors.
	Name string
	// Run works until ctx ends, drains and returns nil. It may be nil.
	Run func(ctx context.Context) error
	// Close releases what the part holds. It is called after Run has returned, or if Run was never
	// called. It may be nil.
	Close func() error
}

// Group runs the parts of a process and ends them in steps. It is not safe for concurrent use.
type Group struct {
	steps []step
}

// step is a set of parts that end together.
type step struct {
	by    time.Duration // after the end of the process has begun
	parts []Part
}

// NewGroup returns a Group with one step for each time in by. by[i] is the time, after the end of
// the process has begun, by which all parts of step i must have ended. A step that ends sooner
// leaves its time to the later ones. The times must ascend; the last is the limit of the whole.
func NewGroup(by ...time.Duration) *Group {
	g := &Group{steps: make([]step, len(by))}
	for i := range by {
		g.steps[i].by = by[i]
	}
	return g
}

// Add adds a part that ends in the given step, counted from 0. Call it as soon as the part is made,
// so that [Group.Close] releases it.
func (g *Group) Add(step int, p Part) {
	g.steps[step].parts = append(g.steps[step].parts, p)
}

// Run starts all parts, those of the last step first, and returns when they have ended. When ctx
// ends, it ends the steps one after the other. It does the same when a part fails, that is, when
// its Run returns an error before it was told to end. The error of Run joins that failure and the
// errors at the end; each names its part. Run does not wait for a part that has not ended in time,
// so the process should then exit.
func (g *Group) Run(ctx context.Context) error {
	working, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	running := make([][]*run, len(g.steps))
	for i := len(g.steps) - 1; i >= 0; i-- {
		for _, p := range g.steps[i].parts {
			running[i] = append(running[i], start(ctx, p, fail))
		}
	}
	<-working.Done()
	var errs []error
	if ctx.Err() == nil {
		errs = append(errs, context.Cause(working))
	}
	began := time.Now()
	for i, parts := range running {
		errs = append(errs, end(parts, began, g.steps[i].by))
	}
	return errors.Join(errs...)
}

// Close releases what the parts hold, in the order of the steps. It is for a Group that is not run.
func (g *Group) Close() error {
	var errs []error
	for _, s := range g.steps {
		for _, p := range s.parts {
			if p.Close == nil {
				continue
			}
			if err := p.Close(); err != nil {
				errs = append(errs, fmt.Errorf("closing %s: %w", p.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// run is a running part. Its goroutine owns err until done is closed.
type run struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error // of its end
}

// start runs p until its stop is called, even if ctx ends before.
func start(ctx context.Context, p Part, fail func(error)) *run {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &run{name: p.Name, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		if p.Run != nil {
			if err := p.Run(ctx); ctx.Err() != nil {
				r.err = err
			} else if err != nil {
				fail(fmt.Errorf("%s: %w", p.Name, err))
			}
		}
		<-ctx.Done()
		if p.Close != nil {
			r.err = errors.Join(r.err, p.Close())
		}
	}()
	return r
}

// end tells parts to stop and waits for them, at most until by after began.
func end(parts []*run, began time.Time, by time.Duration) error {
	for _, r := range parts {
		r.stop()
	}
	late := time.NewTimer(time.Until(began.Add(by)))
	defer late.Stop()
	var errs []error
	for _, r := range parts {
		select {
		case <-r.done:
		case <-late.C:
			late.Reset(0) // for the others too
			select {
			case <-r.done: // at the same time
			default:
				errs = append(errs, fmt.Errorf("stopping %s: it has not ended within %v", r.name, by))
				continue
			}
		}
		if r.err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", r.name, r.err))
		}
	}
	return errors.Join(errs...)
}

// Background runs a service in a goroutine. The function that it returns ends the service, waits
// for it and returns the error of run. It may be called more than once and is safe for
// concurrent use.
func Background(run func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}
