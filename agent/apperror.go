package agent

import (
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// ApplicationError is an error of the application itself, for [Agent.Capture]. Most hosts call
// [Agent.CaptureError], [Agent.Recover] or agent/slogagent instead. The agent does not retain
// the strings.
type ApplicationError struct {
	Kind    report.ErrorKind // an invalid one counts as report.KindError
	Type    string           // name of the error's type; "" counts as "error"
	Message string           // any text; scrub.Text scrubs it before it is stored
	// the stack as runtime.Callers returns it, the innermost call first; may be empty
	PCs     []uintptr
	TraceID [16]byte // W3C trace context; all zero: none

	// Frames is the stack of a host that is not written in Go, instead of PCs, with the innermost
	// call first. Only the first report.MaxFrames are used. Of File, only the part after the last
	// slash is used, without query and fragment; it is scrubbed unless it looks like the name of a
	// source file. An empty Function is a function without a name.
	Frames []report.Frame

	// At is when the error happened. Errors from before consent are not recorded. Zero: now.
	At time.Time
}

// The limits of application errors in one window. Errors beyond them are only counted: in their
// group, or as report.DropOverflow.
const (
	maxGroups = 32 // fingerprints
	// panics within a window's length that are sealed at once; further ones are sealed with
	// the window
	maxPanics = 8
)

// errorGroup has all errors with one fingerprint in a window. The owner of the window owns it.
type errorGroup struct {
	at     time.Time // of the last error
	record report.ApplicationError
}

// capture counts an error. If it is the first of its group, capture also stores its details as far
// as consent allows.
func (r *recorder) capture(e *ApplicationError) {
	stack := e.stack()
	w, g := r.group(e.record(stack), e.at())
	if g == nil {
		return
	}
	message := scrubbed(e.Message) // outside of the lock, because it takes time
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.window == w && w.level >= report.Diagnostics {
		g.record.Message, g.record.Frames, g.record.TraceID = message, stack, e.TraceID
	}
}

// group counts an error in the open window. It returns the group if the error is its first and
// details are wanted, and otherwise nil.
func (r *recorder) group(e report.ApplicationError, at time.Time) (*window, *errorGroup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.covers(at) {
		return nil, nil
	}
	w := r.begun()
	r.total.Errors++
	g := w.addError(e, at)
	if g == nil || w.level < report.Diagnostics {
		return nil, nil
	}
	return w, g
}

// addError counts one error. It returns its group if the error is the group's first.
func (w *window) addError(r report.ApplicationError, at time.Time) *errorGroup {
	for _, g := range w.errors {
		if g.record.Fingerprint == r.Fingerprint {
			g.record.Count = min(g.record.Count+1, report.MaxCount)
			g.at = at
			return nil
		}
	}
	if len(w.errors) == maxGroups {
		w.overflow++
		return nil
	}
	g := &errorGroup{at: at, record: r}
	w.errors = append(w.errors, g)
	return g
}

// dropDetails removes the details that [report.Counts] does not cover.
func (w *window) dropDetails() {
	for _, g := range w.errors {
		g.record.Message, g.record.Frames, g.record.TraceID = "", nil, [16]byte{}
	}
}

// record returns e without its details.
func (e *ApplicationError) record(stack []report.Frame) report.ApplicationError {
	r := report.ApplicationError{Kind: e.Kind, Type: strings.Clone(text(e.Type, report.MaxString)), Count: 1}
	if !r.Kind.Valid() || r.Kind > report.KindLog { // higher kinds are only for browsers
		r.Kind = report.KindError
	}
	if r.Type == "" {
		r.Type = "error"
	}
	r.Fingerprint = report.Fingerprint(r.Kind, r.Type, stack)
	return r
}

func (e *ApplicationError) at() time.Time {
	if e.At.IsZero() {
		return time.Now()
	}
	return e.At
}

// scrubbed returns a scrubbed message. It first cuts off what is far beyond the limit, at the end
// of a word, because a part of a secret may not be recognized as one.
func scrubbed(message string) string {
	const enough = 4 * report.MaxMessage
	if len(message) > enough {
		message = message[:max(strings.LastIndexAny(message[:enough], " \t\n"), 0)]
	}
	return strings.Clone(text(scrub.Text(message), report.MaxMessage))
}
