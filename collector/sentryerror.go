package collector

import (
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/internal/sentry"
	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// slogLevels are the levels of messages that are kept, and what an agent calls them. An event
// without a level is an error.
var slogLevels = map[string]string{"": "ERROR", "error": "ERROR", "fatal": "ERROR"}

// isMessage reports whether an event is about a message and not about an exception. SDKs make an
// exception without a type if they send a stack with the message.
func isMessage(e *sentry.Event) bool {
	last := len(e.Exceptions) - 1
	return last < 0 || e.Exceptions[last].Type == "" && e.Exceptions[last].Synthetic
}

// sentryError returns the error that an agent would report in place of an event. So the fingerprint
// is the same, wherever an application sends its errors.
func sentryError(e *sentry.Event, sentAt time.Time, consent report.Consent) *report.ApplicationError {
	out := &report.ApplicationError{Kind: report.KindError, Count: 1}
	if !sentAt.IsZero() && !e.Time.IsZero() {
		// both by the SDK's clock
		out.At = -int64(clamp(float64(sentAt.Sub(e.Time)/time.Millisecond), report.MaxAge))
	}
	message, raw := e.Message, e.Thread
	if isMessage(e) {
		out.Kind, out.Type = report.KindLog, slogLevels[e.Level]
		// sentry.Recover makes a message of panic("text")
		if e.Platform == "go" && e.Level == "fatal" {
			out.Kind, out.Type = report.KindPanic, "string"
		}
		if n := len(e.Exceptions); n > 0 {
			raw = e.Exceptions[n-1].Frames
		}
	} else {
		message, raw = e.Exceptions[len(e.Exceptions)-1].Value, framesOf(e)
		out.Type = clean(typeOf(e), report.MaxString)
		if uncaught(e) {
			out.Kind = report.KindPanic
		}
	}
	frames := stack(e.Platform, raw)
	telling := frames
	if out.Kind == report.KindLog { // an agent knows only where it was logged
		telling = frames[:min(len(frames), 1)]
	}
	if out.Type == "" {
		out.Type = "error"
	}
	out.Fingerprint = report.Fingerprint(out.Kind, out.Type, telling)
	if consent >= report.Diagnostics {
		out.Message, out.Frames, out.TraceID = scrubMessage(message), frames, e.TraceID
	}
	return out
}

// uncaught reports whether an exception ended what the application was doing. Browsers' agents do
// not distinguish them.
func uncaught(e *sentry.Event) bool {
	return !isJavaScript(e.Platform) && (e.Level == "fatal" || e.Exceptions[len(e.Exceptions)-1].Unhandled)
}

// typeOf returns the type of the error that was captured. In Go that is the outermost one in the
// chain that does not only carry a text.
func typeOf(e *sentry.Event) string {
	last := len(e.Exceptions) - 1
	if e.Platform == "go" {
		for i := last; i >= 0; i-- {
			name := strings.TrimPrefix(e.Exceptions[i].Type, "*")
			if !strings.HasPrefix(name, "fmt.") && !strings.HasPrefix(name, "errors.") {
				return e.Exceptions[i].Type
			}
		}
	}
	return e.Exceptions[last].Type
}

// framesOf returns the stack of the exception that was captured, or if it has none, that of the
// nearest cause that has one.
func framesOf(e *sentry.Event) []sentry.Frame {
	for i := len(e.Exceptions) - 1; i >= 0; i-- {
		if len(e.Exceptions[i].Frames) > 0 {
			return e.Exceptions[i].Frames
		}
	}
	return e.Thread
}

func isJavaScript(platform string) bool { return platform == "javascript" || platform == "node" }

// stack returns a stack as an agent reports it: the innermost call first, without directories.
func stack(platform string, outermostFirst []sentry.Frame) []report.Frame {
	var frames []report.Frame
	for i := len(outermostFirst) - 1; i >= 0 && len(frames) < report.MaxFrames; i-- {
		f := &outermostFirst[i]
		frames = append(frames, report.Frame{
			Function: functionName(platform, outermostFirst, i), File: cut(scrub.File(f.File), report.MaxString), Line: uint32(f.Line),
		})
	}
	return frames
}

// functionName returns the name of a function with its package, and in JavaScript as engines
// write it.
func functionName(platform string, frames []sentry.Frame, i int) string {
	f := &frames[i]
	name := f.Function
	switch {
	case name == "" || name == "?":
		return report.Anonymous
	case isJavaScript(platform):
		name = strings.TrimPrefix(name, "async ")
	case platform == "go":
		name = qualified(f.Module, closureName(frames, i))
	default:
		name = qualified(f.Module, name)
	}
	if name = clean(name, report.MaxString); name == "" {
		return report.Anonymous
	}
	return name
}

func qualified(module, name string) string {
	if module == "" {
		return name
	}
	return module + "." + name
}

// closureName returns the name of a function in Go without its package. sentry-go cuts off the name
// of the caller that a closure's name begins with: "func1" for "Pay.func1", called by "Pay".
func closureName(frames []sentry.Frame, i int) string {
	name := frames[i].Function
	for ; i > 0 && isClosure(frames[i].Function) && frames[i].Module == frames[i-1].Module && len(name) <= report.MaxString; i-- {
		name = frames[i-1].Function + "." + name
	}
	return name
}

// isClosure reports whether a name is only the last part of that of a function without a name, as
// the compiler makes it: "func1", "2", "gowrap1", "deferwrap1".
func isClosure(name string) bool {
	for _, prefix := range []string{"func", "gowrap", "deferwrap"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return leadingDigits(name) != ""
}

// clean scrubs a name that a client has chosen. It first cuts off what is far beyond the limit.
func clean(s string, limit int) string {
	return cut(scrub.Text(strings.ToValidUTF8(s[:min(len(s), 4*limit)], "")), limit)
}
