package probe

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Attempt gathers the result of one attempt and keeps the time of its steps. One goroutine uses it.
type Attempt struct {
	Result Result    // so far
	since  time.Time // when the present step began
}

// Begin starts an attempt; its first step is yet to be entered.
func Begin() *Attempt {
	now := time.Now()
	return &Attempt{Result: Result{Started: now.Round(0), Steps: make([]Step, 0, 5)}, since: now}
}

// Enter ends the present step and begins another.
func (a *Attempt) Enter(step string) {
	a.leave()
	a.Result.Steps = append(a.Result.Steps, Step{Name: step})
}

// Fork ends the present step and returns an attempt that goes on from here in its own way, beside
// others. Another goroutine may use it. It is safe to call from several goroutines as long as no
// other method of a is called any more.
func (a *Attempt) Fork() *Attempt {
	now := time.Now()
	f := &Attempt{Result: a.Result, since: now}
	f.Result.Steps = append(make([]Step, 0, 5), a.Result.Steps...)
	if n := len(f.Result.Steps); n > 0 {
		f.Result.Steps[n-1].Duration += now.Sub(a.since)
	}
	return f
}

// Merge ends the present step and makes one step of all so far.
func (a *Attempt) Merge(step string) {
	a.leave()
	a.Result.Steps = append(a.Result.Steps[:0], Step{Name: step, Duration: a.Result.Total()})
}

// leave books the time since the last call on the present step.
func (a *Attempt) leave() {
	now := time.Now()
	d := now.Sub(a.since)
	a.since = now
	if n := len(a.Result.Steps); n > 0 {
		a.Result.Steps[n-1].Duration += d
	}
}

// End ends the last step and returns what a [Func] returns. Without an error the outcome is what
// Result has, or report.OK. Else classify names the outcome of an error in a step, unless ctx was
// cancelled or the error is this machine's own trouble.
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

// localFault tells whether err is the prober's own trouble and says nothing of the target; nil if
// it is not.
func localFault(err error) error {
	for _, errno := range []syscall.Errno{
		// out of descriptors or memory
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		// out of ports, or a source address that this machine does not have
		syscall.EADDRNOTAVAIL, syscall.EADDRINUSE,
		syscall.EACCES, syscall.EPERM, // forbidden by a rule of this machine
	} {
		if errors.Is(err, errno) {
			return fmt.Errorf("this machine cannot probe: %w", errno)
		}
	}
	return nil
}
