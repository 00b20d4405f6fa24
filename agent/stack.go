package agent

import (
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"runtime"
	"strings"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// callers is the stack of the caller's caller, skip calls further up.
func callers(skip int) []uintptr {
	var pcs [report.MaxFrames + 8]uintptr // a few more, for what frames leaves out
	return append([]uintptr(nil), pcs[:runtime.Callers(skip+2, pcs[:])]...)
}

// frames resolves a stack to what may be told of it: names from the program's code, and base names
// of its files, for their directories name the machine that built it. Of a panic's stack, what the
// runtime did after the fault is left out.
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

// stack is e's stack as it may be told. It shares no memory with e.
func (e *ApplicationError) stack() []report.Frame {
	if len(e.Frames) == 0 {
		return frames(e.PCs)
	}
	out := make([]report.Frame, 0, min(len(e.Frames), report.MaxFrames))
	for _, f := range e.Frames[:cap(out)] {
		f.Function = strings.Clone(text(scrub.Text(f.Function[:min(len(f.Function), 4*report.MaxString)]), report.MaxString))
		if f.Function == "" {
			f.Function = anonymous
		}
		f.File = strings.Clone(text(sourceFile(f.File), report.MaxString))
		f.Line = min(f.Line, report.MaxLine)
		out = append(out, f)
	}
	return out
}

// anonymous is what a function without a name is called, as JavaScript's engines have it.
const anonymous = "<anonymous>"

// sourceFile is the base name of a source file. The frames of a script that stands in a page name
// the page's URL instead, so what does not look like a file is scrubbed.
func sourceFile(path string) string {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	name := base(path)
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && isExtension(name[dot+1:]) && !strings.ContainsAny(name, "@%") {
		return name
	}
	return base(scrub.URL("https://page.example/" + name))
}

func isExtension(s string) bool {
	return len(s) >= 1 && len(s) <= 4 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

// base is what follows the last slash of either kind.
func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

// fingerprint tells which errors are one problem: those of one kind, type and chain of functions.
// Lines are left out, so that a release that moves code keeps its groups; but several log
// statements of one function are several problems, and functions without a name are told apart by
// their place. Messages are left out, because a hash of a value that few people have is as good as
// the value.
func fingerprint(kind report.ErrorKind, name string, stack []report.Frame) (sum [16]byte) {
	h := sha256.New()
	h.Write([]byte{byte(kind)})
	h.Write([]byte(name))
	for i := range stack {
		h.Write([]byte{0})
		h.Write([]byte(stack[i].Function))
		if stack[i].Function == anonymous {
			h.Write([]byte(stack[i].File))
			h.Write(binary.BigEndian.AppendUint32(nil, stack[i].Line))
		}
	}
	if kind == report.KindLog && len(stack) > 0 {
		h.Write(binary.BigEndian.AppendUint32(nil, stack[0].Line))
	}
	copy(sum[:], h.Sum(nil))
	return sum
}

const maxUnwrap = 32 // errors looked at; a chain may be a circle

// typeOf names the type of what went wrong: the first in the tree of wrapped and joined errors that
// is not one of those that only carry a text. (reflect is in every Go program with encoding/binary
// in it; the name alone does not make it larger.)
func typeOf(err error) (name string) {
	defer func() {
		if recover() != nil && name == "" { // an Unwrap of the host's
			name = "error"
		}
	}()
	name = reflect.TypeOf(err).String()
	left := maxUnwrap
	if telling := tellingType(err, &left); telling != "" {
		return telling
	}
	// texts alone: of several joined ones, the first
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if all := joined.Unwrap(); len(all) > 0 && all[0] != nil {
			name = reflect.TypeOf(all[0]).String()
		}
	}
	return name
}

// tellingType names the first type in the tree of wrapped and joined errors that says more than a
// text; "" if there is none among the errors that are left to look at.
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

// messageOf is err's text, or "" if err panics when asked.
func messageOf(err error) (s string) {
	defer func() { _ = recover() }()
	return err.Error()
}

// describePanic names the type and the message of a value that was given to panic.
func describePanic(v any) (name, message string) {
	switch v := v.(type) {
	case error:
		return typeOf(v), messageOf(v)
	case string:
		return "string", v
	default:
		return reflect.TypeOf(v).String(), "" // anything else may be the application's data
	}
}
