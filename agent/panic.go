package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Recover reports a panic and lets it go on. It is to be deferred itself, first thing in every
// goroutine and handler:
//
//	defer a.Recover()
//
// A deferred function that calls Recover, as in defer func() { a.Recover() }(), captures nothing:
// Go gives a panic only to the deferred function itself. Nor does it see panics of other
// goroutines: each needs a Recover of its own.
//
// The panic is sealed and on disk before Recover panics again with the same value, and so is what
// the open window has counted, so that both outlive the process; a disk that hangs is given a
// second. Of the panics within a window's length the ninth and later ones are counted instead, like
// errors, and sealed with the window. net/http's ErrAbortHandler, which ends a handler on purpose,
// is not reported. When there is no panic, Recover does nothing; without consent, after
// [Agent.Shutdown], and for a nil Agent it only panics again.
func (a *Agent) Recover() {
	v := recover()
	if v == nil {
		return
	}
	a.capturePanic(v)
	panic(v)
}

// capturePanic seals a panic, unless it is one of too many.
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

// aborts reports whether v is net/http's ErrAbortHandler, known by its text because the core does
// not import net/http.
func aborts(v any) bool {
	err, ok := v.(error)
	return ok && messageOf(err) == "net/http: abort Handler"
}

// sealPanic puts a panic durably into the spool. It reports false when there were too many of
// these lately.
func (s *spooler) sealPanic(e *ApplicationError) bool {
	stack := e.stack()
	r := e.record(stack)
	// before consent is asked, so that a withdrawal's purge comes before or after all of this
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

// admitPanic returns the consent under which a panic is sealed now, Off when it is not to be
// recorded, and false when there were too many.
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
