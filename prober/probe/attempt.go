package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Attempt collects the result of one attempt and measures its steps. It is not safe for concurrent
// use, except as [Attempt.Fork] says.
type Attempt struct {
	Result Result    // so far
	since  time.Time // when the current step began

	detailed bool // details are wanted
}

// Begin starts an attempt. Call [Attempt.Enter] for its first step.
func Begin() *Attempt {
	now := time.Now()
	return &Attempt{Result: Result{Started: now.Round(0), Steps: make([]Step, 0, 5)}, since: now}
}

// BeginIn is like [Begin]; the result has details if ctx is one of [WithDetails].
func BeginIn(ctx context.Context) *Attempt {
	a := Begin()
	a.detailed = WantsDetails(ctx)
	return a
}

type detailsKey struct{}

// WithDetails returns a context for a [Func] whose result shall have details.
func WithDetails(ctx context.Context) context.Context {
	return context.WithValue(ctx, detailsKey{}, true)
}

// Enter ends the current step and begins another.
func (a *Attempt) Enter(step string) {
	a.leave()
	a.Result.Steps = append(a.Result.Steps, Step{Name: step})
}

// Fork ends the current step and returns a copy of the attempt that continues separately, for
// example in another goroutine. Several goroutines may call Fork at the same time if no other
// method of a is called any more.
func (a *Attempt) Fork() *Attempt {
	now := time.Now()
	f := &Attempt{Result: a.Result, since: now, detailed: a.detailed}
	f.Result.Details = slices.Clone(a.Result.Details)
	f.Result.Steps = append(make([]Step, 0, 5), a.Result.Steps...)
	if n := len(f.Result.Steps); n > 0 {
		f.Result.Steps[n-1].Duration += now.Sub(a.since)
	}
	return f
}

// Merge ends the current step and merges all steps so far into one.
func (a *Attempt) Merge(step string) {
	a.leave()
	a.Result.Steps = append(a.Result.Steps[:0], Step{Name: step, Duration: a.Result.Total()})
}

// leave adds the time since the last call to the current step.
func (a *Attempt) leave() {
	now := time.Now()
	d := now.Sub(a.since)
	a.since = now
	if n := len(a.Result.Steps); n > 0 {
		a.Result.Steps[n-1].Duration += d
	}
}

// End ends the last step and returns the results of a [Func]. If err is nil, the outcome is the one
// in Result, or [report.OK] if that is empty. Otherwise classify returns the outcome of an error in
// a step, unless ctx was cancelled or the fault is this machine's own.
func (a *Attempt) End(ctx context.Context, err error, classify func(step string, err error) report.Outcome) (Result, error) {
	a.leave()
	if err == nil {
		if a.Result.Outcome == "" {
			a.Result.Outcome = report.OK
		}
		return a.Result, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return Result{}, ctx.Err()
	}
	if local := localFault(err); local != nil {
		return Result{}, local
	}
	a.Result.Outcome = classify(a.Result.Ended(), err)
	return a.Result, nil
}

// localFault returns an error if err is a fault of the prober's machine that says nothing about the
// target, and otherwise nil.
func localFault(err error) error {
	for _, errno := range []syscall.Errno{
		// out of descriptors or memory
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		// out of ports, or a source address that this machine does not have
		syscall.EADDRNOTAVAIL, syscall.EADDRINUSE,
		syscall.EACCES, syscall.EPERM, // forbidden by a rule of this machine
		syscall.EAFNOSUPPORT, // it has no IPv6, or no IPv4, at all
	} {
		if errors.Is(err, errno) {
			return fmt.Errorf("this machine cannot probe: %w", errno)
		}
	}
	return nil
}
