package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Recover reports a panic and panics again. Defer it directly, at the beginning of every goroutine
// and handler:
//
//	defer a.Recover()
//
// A deferred function that calls Recover, as in defer func() { a.Recover() }(), does not work,
// because Go lets only the deferred function itself recover a panic. Recover does not see panics of
// other goroutines either; each needs its own.
//
// Before Recover panics again with the same value, it seals the panic and the counts of the open
// window and stores both on disk, so that they survive the process. It waits at most a second for
// the disk. Within a window's length, the ninth and later panics are only counted, like errors, and
// sealed with the window. Recover does not report net/http's ErrAbortHandler, which ends a handler
// on purpose. If there is no panic, Recover does nothing. Without consent, after [Agent.Shutdown]
// and for a nil Agent, it only panics again.
func (a *Agent) Recover() {
	v := recover()
	if v == nil {
		return
	}
	a.capturePanic(v)
	panic(v)
}

// capturePanic seals a panic, unless there were too many.
func (a *Agent) capturePanic(v any) {
	if !a.Recording() || aborts(v) {
		return
	}
	defer a.events.caught()
	e := ApplicationError{Kind: report.KindPanic, PCs: callers(1), At: time.Now()}
	e.Type, e.Message = describePanic(v)
	done := make(chan bool, 1)
	go func() {
		defer close(done)
		defer a.events.caught()
		sealed := a.spooler.sealPanic(&e)
		if sealed {
			a.spooler.sealWindow(true)
		}
		done <- sealed
	}()
	select {
	case sealed, ok := <-done:
		if ok && !sealed {
			a.recorder.capture(&e)
		}
	case <-time.After(grace):
	}
}

// aborts reports whether v is net/http's ErrAbortHandler. It compares the text, because this
// package does not import net/http.
func aborts(v any) bool {
	err, ok := v.(error)
	return ok && messageOf(err) == "net/http: abort Handler"
}

// sealPanic stores a panic durably in the spool. It returns false if there were too many lately.
func (s *spooler) sealPanic(e *ApplicationError) bool {
	stack := e.stack()
	r := e.record(stack)
	// locked before consent is checked, so that a withdrawal's purge comes entirely before or
	// after this
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consent.review() // the policy may have expired
	level, ok := s.recorder.admitPanic(e.At)
	if !ok {
		return false
	}
	if level == report.Off {
		return true
	}
	if level >= report.Diagnostics {
		r.Message, r.Frames, r.TraceID = scrubbed(e.Message), stack, e.TraceID
	}
	s.store(level, []item{{at: e.At, record: &r}})
	return true
}

// admitPanic returns the consent under which a panic is sealed now, or Off if it is not recorded.
// It returns false if there were too many.
func (r *recorder) admitPanic(at time.Time) (report.Consent, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.covers(at) {
		return report.Off, true
	}
	if at.Sub(r.panicsSince) >= r.window.length {
		r.panicsSince, r.panics = at, 0
	}
	if r.panics == maxPanics {
		return report.Off, false
	}
	r.panics++
	r.total.Errors++
	return r.terms.record, true
}
