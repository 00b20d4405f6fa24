// Package lifecycle undoes what a daemon set up, in the reverse order, each step by its name.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Stack holds clean-ups. Register each one at the line that acquires the thing. The zero value is
// ready. Safe for concurrent use.
type Stack struct {
	mu    sync.Mutex
	steps []step // guarded by mu; the last one runs first
}

type step struct {
	name string
	undo func(context.Context) error
}

// Defer registers undo under a name that its error will carry.
func (s *Stack) Defer(name string, undo func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, step{name, undo})
}

// Go starts work and registers a clean-up that cancels it and waits for its end. An error of work
// reaches failed at once, unless the work was told to end.
func (s *Stack) Go(ctx context.Context, name string, work func(context.Context) error, failed func(error)) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := work(ctx); err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("%s: %w", name, err))
		}
	}()
	s.Defer(name, func(wait context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-wait.Done():
			return wait.Err()
		}
	})
}

// Close runs all clean-ups, the last registered first, and joins their errors. A second call does
// nothing. When ctx ends, the remaining steps still run, with the ended ctx.
func (s *Stack) Close(ctx context.Context) error {
	s.mu.Lock()
	steps := s.steps
	s.steps = nil
	s.mu.Unlock()
	var errs []error
	for i := len(steps) - 1; i >= 0; i-- {
		if err := steps[i].undo(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", steps[i].name, err))
		}
	}
	return errors.Join(errs...)
}
