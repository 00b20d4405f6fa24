// Package lifecycle runs the parts of a daemon side by side and ends them in order.
//
// All services of this module have New(Options), which holds nothing that would have to be given
// back, or has a Close for it, and Run(ctx), which works until ctx ends, drains and returns nil.
// Most readers need [Group].
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Part is a piece of a process: a service, or something that services use.
type Part struct {
	// Name is what errors call it.
	Name string
	// Run works until ctx ends, drains and returns nil. nil: the part does nothing of its own.
	Run func(ctx context.Context) error
	// Close gives back what the part has held since it was made. It is called once Run has
	// returned, or when Run never began. nil: there is nothing to give back.
	Close func() error
}

// Group is the parts of a process in the steps of its end. It is not safe for concurrent use.
type Group struct {
	steps []step
}

// step is the parts that end together.
type step struct {
	by    time.Duration // after the end of the process has begun
	parts []Part
}

// NewGroup makes a group with a step for each time. Every part of step i has to have ended when
// that time has passed since the end began; a step that is over sooner leaves its time to those
// after it. The times must rise, and the last one bounds the whole.
func NewGroup(by ...time.Duration) *Group {
	g := &Group{steps: make([]step, len(by))}
	for i := range by {
		g.steps[i].by = by[i]
	}
	return g
}

// Add adds a part that ends in a step, counted from 0. Add it at the line that makes it, so that
// Close finds it.
func (g *Group) Add(step int, p Part) {
	g.steps[step].parts = append(g.steps[step].parts, p)
}

// Run starts all parts, those of the last step first, and returns when they have ended. When ctx
// ends, or when a part fails, which is an error of its Run before it was told to end, the steps are
// ended one after the other. The error joins the failure with what went wrong at the end: each
// names its part. A part that has not ended in time is left behind: the process should exit.
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

// Close gives back what the parts of a group hold that was not run, in the order of its steps.
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

// run is a part that runs. Its goroutine owns err until done is closed.
type run struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error // of its end
}

// start runs p until its stop is called, whatever becomes of ctx.
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

// end tells parts to stop and waits for them, at most until a time after the end began.
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

// Background runs a service beside the caller. The function that it returns ends it, waits for it
// and returns Run's error; it may be called again, by any goroutine, and returns the same.
func Background(run func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}
