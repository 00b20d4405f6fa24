package agent_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// TestAPanicIsDurableWithItsWindow looks at the spool at the moment when the panic goes on.
func TestAPanicIsDurableWithItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		for range 3 {
			a.Observe(failure("shop.example"))
		}
		panicking(a, func() { panic("out of stock") })
		if got := a.Stats().Sealed; got != 2 {
			t.Errorf("%d records sealed, want the panic and the window", got)
		}
	})
}

// TestManyPanicsDoNotFillTheSpool: beyond eight in a window's length they are only counted.
func TestManyPanicsDoNotFillTheSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.WindowMS = 60_000
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		for range 50 {
			a.Observe(failure("shop.example"))
			panicking(a, func() { panic("out of stock") })
			time.Sleep(time.Second)
		}
		if got := memory.written(); got > 40 { // records and states
			t.Errorf("%d writes for 50 panics", got)
		}
		time.Sleep(2 * time.Minute)
		panicking(a, func() { panic("out of stock") })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		var n uint64
		for _, e := range w.appErrors() {
			n += e.Count
		}
		if n != 51 || w.totals()[report.TCPRefused] != 50 {
			t.Errorf("%d panics and %v requests received, want 51 and 50", n, w.totals())
		}
	})
}

// TestAbortedHandlersAreNoCrashes: net/http's way of ending a handler is nobody's fault, unlike
// what only wraps it.
func TestAbortedHandlersAreNoCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		if got := panicking(a, func() { panic(http.ErrAbortHandler) }); got != http.ErrAbortHandler {
			t.Errorf("went on as %v", got)
		}
		if got := a.Stats(); got.Errors != 0 || got.Sealed != 0 {
			t.Errorf("%+v, want nothing recorded", got)
		}
		panicking(a, func() { panic(fmt.Errorf("copying: %w", http.ErrAbortHandler)) })
		if got := a.Stats().Errors; got != 1 {
			t.Errorf("%d errors recorded, want the one that net/http logs, too", got)
		}
	})
}

type quotaError struct{}

func (quotaError) Error() string { return "quota" }

type diskError struct{ error }

// TestTypesOfJoinedErrors: what is joined has types of its own, at whatever depth.
func TestTypesOfJoinedErrors(t *testing.T) {
	text, quota, disk := errors.New("text"), quotaError{}, &diskError{errors.New("text")}
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.Join(quota), "agent_test.quotaError"},
		{errors.Join(text, disk), "*agent_test.diskError"},
		{errors.Join(errors.Join(text, fmt.Errorf("x: %w", quota)), disk), "agent_test.quotaError"},
		{fmt.Errorf("%w and %w", text, disk), "*agent_test.diskError"},
		{fmt.Errorf("saving: %w", errors.Join(text, quota)), "agent_test.quotaError"},
		{errors.Join(text, text), "*errors.errorString"},
		{fmt.Errorf("x: %w", text), "*fmt.wrapError"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "c1")
			a := start(t, w.options(newMemory().spool(), report.Counts))
			a.CaptureError(t.Context(), test.err)
			panicking(a, func() { panic(test.err) })
			time.Sleep(10 * time.Second)
			all := w.appErrors()
			if len(all) != 2 || all[0].Type != test.want || all[1].Type != test.want {
				t.Errorf("%#v: received %+v, want twice type %s", test.err, all, test.want)
			}
		})
	}
}

// deferring defers Recover as the documentation says not to.
func deferring(a *agent.Agent, f func()) (value any) {
	defer func() { value = recover() }()
	defer func() { a.Recover() }()
	f()
	return nil
}

// TestDeferredClosure holds what Recover's documentation says of a closure: it captures nothing,
// and the panic goes on.
func TestDeferredClosure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		if got := deferring(a, func() { panic("x") }); got != "x" || a.Stats().Errors != 0 {
			t.Errorf("went on as %v, %d errors; if this captures now, say so in Recover's documentation", got, a.Stats().Errors)
		}
	})
}
