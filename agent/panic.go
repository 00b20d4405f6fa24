package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Recover reports a panic and lets it go on. It is to be deferred, first thing in a goroutine
// or handler:
//
//	defer a.Recover()
//
// The report is sealed and on disk before Recover panics again with the same value, so that it
// outlives the process; a disk that hangs is given a second. Of the panics of one window the ninth
// and later ones are counted instead, like errors, and sealed with the window. When there is no
// panic, Recover does nothing; without consent, after [Agent.Shutdown], and for a nil Agent it only
// panics again.
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
	if a == nil || !a.Recording() {
		return
	}
	defer a.events.caught()
	e := ApplicationError{Kind: report.KindPanic, PCs: callers(1), At: time.Now()}
	e.Type, e.Message = describePanic(v)
	done := make(chan bool, 1)
	go func() {
		defer close(done)
		defer a.events.caught()
		done <- a.spooler.sealPanic(&e)
	}()
	select {
	case sealed, ok := <-done:
		if ok && !sealed {
			a.recorder.capture(&e)
		}
	case <-time.After(grace):
	}
}

// sealPanic puts a panic durably into the spool. It reports false when the window has had its
// share of these.
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
	s.store(level, []item{{e.At, &r}})
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
	w := r.begun()
	if w.panics == maxPanics {
		return report.Off, false
	}
	w.panics++
	r.total.Errors++
	return r.terms.record, true
}
