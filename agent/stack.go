package agent

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// callers returns the stack of the caller's caller, skip calls further up.
func callers(skip int) []uintptr {
	var pcs [report.MaxFrames + 8]uintptr // a few more, because frames leaves some out
	return append([]uintptr(nil), pcs[:runtime.Callers(skip+2, pcs[:])]...)
}

// frames resolves a stack to names from the program's code and base names of its files. Directories
// are left out, because they would reveal the machine that built the program. It also leaves out
// the runtime's calls after a panic.
func frames(pcs []uintptr) []report.Frame {
	if len(pcs) == 0 {
		return nil
	}
	var out []report.Frame
	inRuntime := false // right below runtime.gopanic: runtime.goPanicIndex, runtime.sigpanic, …
	for all, more := runtime.CallersFrames(pcs), true; more; {
		var f runtime.Frame
		f, more = all.Next()
		switch {
		case f.Function == "runtime.gopanic":
			out, inRuntime = nil, true
			continue
		case f.Function == "", f.Function == "runtime.goexit", f.Function == "runtime.main":
			continue
		case inRuntime && strings.HasPrefix(f.Function, "runtime."):
			continue
		}
		inRuntime = false
		if len(out) < report.MaxFrames {
			out = append(out, report.Frame{
				Function: text(f.Function, report.MaxString), File: text(base(f.File), report.MaxString),
				Line: uint32(min(max(f.Line, 0), report.MaxLine)),
			})
		}
	}
	return out
}

// stack returns e's stack in the form that may be reported. It shares no memory with e.
func (e *ApplicationError) stack() []report.Frame {
	if len(e.Frames) == 0 {
		return frames(e.PCs)
	}
	out := make([]report.Frame, 0, min(len(e.Frames), report.MaxFrames))
	for _, f := range e.Frames[:cap(out)] {
		f.Function = strings.Clone(text(scrub.Text(f.Function[:min(len(f.Function), 4*report.MaxString)]), report.MaxString))
		if f.Function == "" {
			f.Function = report.Anonymous
		}
		f.File = strings.Clone(text(scrub.File(f.File), report.MaxString))
		f.Line = min(f.Line, report.MaxLine)
		out = append(out, f)
	}
	return out
}

// base returns the part of path after the last slash or backslash.
func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

const maxUnwrap = 32 // limits the errors that are examined, because a chain may be circular

// typeOf returns the name of the first type in the tree of wrapped and joined errors that does not
// only carry a text. (It uses only type names from package reflect, which every Go program with
// encoding/binary contains anyway.)
func typeOf(err error) (name string) {
	defer func() {
		if recover() != nil && name == "" { // the panic of an Unwrap method
			name = "error"
		}
	}()
	name = reflect.TypeOf(err).String()
	left := maxUnwrap
	if telling := tellingType(err, &left); telling != "" {
		return telling
	}
	// all carry only a text; of several joined ones, the first counts
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if all := joined.Unwrap(); len(all) > 0 && all[0] != nil {
			name = reflect.TypeOf(all[0]).String()
		}
	}
	return name
}

// tellingType returns the first type in the tree of wrapped and joined errors that does not only
// carry a text, or "" if there is none among the first *left errors.
func tellingType(err error, left *int) string {
	if err == nil || *left == 0 {
		return ""
	}
	*left--
	if t := reflect.TypeOf(err); !carriesText(t) {
		return t.String()
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		return tellingType(wrapper.Unwrap(), left)
	case interface{ Unwrap() []error }:
		for _, one := range wrapper.Unwrap() {
			if name := tellingType(one, left); name != "" {
				return name
			}
		}
	}
	return ""
}

// carriesText reports whether t is one of the types of fmt.Errorf, errors.New and errors.Join.
func carriesText(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == "fmt" || t.PkgPath() == "errors"
}

// messageOf returns err's text, or "" if its Error method panics.
func messageOf(err error) (s string) {
	defer func() { _ = recover() }()
	return err.Error()
}

// describePanic returns the type and the message of a panic's value.
func describePanic(v any) (name, message string) {
	switch v := v.(type) {
	case error:
		return typeOf(v), messageOf(v)
	case string:
		return "string", v
	default:
		return reflect.TypeOf(v).String(), "" // other values may be the application's data
	}
}
