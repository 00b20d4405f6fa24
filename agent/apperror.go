package agent

import (
	"context"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// ApplicationError is one error of the application itself, for Capture. Most hosts use
// CaptureError, Recover and agent/slogagent, which make it. The agent keeps no reference to
// the strings.
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
	maxPanics = 8  // panics that are sealed at once; more of them are sealed with the window
)

// errorGroup is what a window keeps of all errors of one fingerprint. Agent.mu owns it like
// its window.
type errorGroup struct {
	at     time.Time // of the last of them
	record report.ApplicationError
}

// CaptureError records an error of the application with the stack of its caller. Errors of one type
// and stack make one group, which a window tells once, with their number; at most 32 groups fit
// into one window. Under report.Counts a group has neither message nor stack. The trace id is
// ctx's, see WithTraceID. It does nothing for nil and without consent, never blocks on anything
// slow and never panics.
func (a *Agent) CaptureError(ctx context.Context, err error) {
	if a == nil || err == nil || !a.Recording() {
		return
	}
	defer a.caught()
	a.Capture(ApplicationError{
		Kind: report.KindError, Type: typeOf(err), Message: messageOf(err), PCs: callers(1), TraceID: TraceIDFrom(ctx),
	})
}

// Capture records one error of the application, see CaptureError.
func (a *Agent) Capture(e ApplicationError) {
	if a == nil || !a.Recording() {
		return
	}
	defer a.caught()
	stack := e.stack()
	w, g := a.group(e.record(stack), e.at())
	if g == nil {
		return
	}
	message := scrubbed(e.Message) // takes its time, so it is done outside of the lock
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.window == w && w.level >= report.Diagnostics {
		g.record.Message, g.record.Frames, g.record.TraceID = message, stack, e.TraceID
	}
}

// Lost counts n application errors that the host's side had to drop before they reached Capture, as
// agent/slogagent does when its queue is full (report.DropQueueFull).
func (a *Agent) Lost(n uint64) {
	if a == nil || !a.Recording() {
		return
	}
	defer a.caught()
	a.drop(report.DropQueueFull, n)
}

// group counts an error in the open window. It returns the group if this is its first and details
// are wanted, else nil.
func (a *Agent) group(r report.ApplicationError, at time.Time) (*window, *errorGroup) {
	a.mu.Lock()
	defer a.mu.Unlock()
	level := report.Consent(a.level.Load())
	if level == report.Off || at.Before(a.since) {
		return nil, nil
	}
	w := a.begun(level)
	a.stats.Errors++
	g := w.addError(r, at)
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
