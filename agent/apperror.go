package agent

import (
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// ApplicationError is one error of the application itself, for [Agent.Capture]. Most hosts use
// [Agent.CaptureError], [Agent.Recover] and agent/slogagent, which make it. The agent keeps no
// reference to the strings.
type ApplicationError struct {
	Kind    report.ErrorKind // an invalid one counts as report.KindError
	Type    string           // name of the error's type; "" counts as "error"
	Message string           // any; scrubbed by scrub.Text before it is kept
	// stack as runtime.Callers tells it, the innermost call first; may be empty
	PCs     []uintptr
	TraceID [16]byte // W3C trace context; all zero: none

	// Frames is the stack instead of PCs, of hosts whose stacks are not Go's, the innermost call
	// first. Of more than report.MaxFrames the first are taken; of File what follows the last
	// slash, without query and fragment, scrubbed unless it looks like a source file's name; "" as
	// Function means a function without a name.
	Frames []report.Frame

	// At is when it happened. What happened before consent is not recorded. Zero: now.
	At time.Time
}

// Bounds of application errors in one window. What exceeds them is counted: by its group, or as
// report.DropOverflow.
const (
	maxGroups = 32 // fingerprints
	// panics within a window's length that are sealed at once; more of them are sealed with
	// the window
	maxPanics = 8
)

// errorGroup is what a window keeps of all errors of one fingerprint. Whoever owns the window
// owns it.
type errorGroup struct {
	at     time.Time // of the last of them
	record report.ApplicationError
}

// capture counts an error and, if it is the first of its group, keeps its details as far as
// consent goes.
func (r *recorder) capture(e *ApplicationError) {
	stack := e.stack()
	w, g := r.group(e.record(stack), e.at())
	if g == nil {
		return
	}
	message := scrubbed(e.Message) // takes its time, so it is done outside of the lock
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.window == w && w.level >= report.Diagnostics {
		g.record.Message, g.record.Frames, g.record.TraceID = message, stack, e.TraceID
	}
}

// group counts an error in the open window. It returns the group if this is its first and details
// are wanted, else nil.
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

// dropDetails takes from the errors what Counts does not cover.
func (w *window) dropDetails() {
	for _, g := range w.errors {
		g.record.Message, g.record.Frames, g.record.TraceID = "", nil, [16]byte{}
	}
}

// record is e without its details.
func (e *ApplicationError) record(stack []report.Frame) report.ApplicationError {
	r := report.ApplicationError{Kind: e.Kind, Type: strings.Clone(text(e.Type, report.MaxString)), Count: 1}
	if !r.Kind.Valid() || r.Kind > report.KindLog { // those above are browsers' own
		r.Kind = report.KindError
	}
	if r.Type == "" {
		r.Type = "error"
	}
	r.Fingerprint = fingerprint(r.Kind, r.Type, stack)
	return r
}

func (e *ApplicationError) at() time.Time {
	if e.At.IsZero() {
		return time.Now()
	}
	return e.At
}

// scrubbed is a message as it may be kept. What is far beyond the limit is cut off before, at the
// end of a word, for a part of a secret may not look like one.
func scrubbed(message string) string {
	const enough = 4 * report.MaxMessage
	if len(message) > enough {
		message = message[:max(strings.LastIndexAny(message[:enough], " \t\n"), 0)]
	}
	return strings.Clone(text(scrub.Text(message), report.MaxMessage))
}
