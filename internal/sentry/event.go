package sentry

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
)

// Event is the part of an event that describes an error.
type Event struct {
	ID       string // 32 hex digits; empty if it is none
	Platform string // "go", "node", "javascript", …
	Level    string // "fatal", "error", "warning", "info" or "debug"; empty means "error"
	Release  string // "shop@1.2.3", or any text; may be empty
	OS       string // name of the system, as the SDK calls it; may be empty
	Message  string // of an event without an exception
	// when it happened, by the SDK's clock; zero: unknown
	Time time.Time
	// W3C trace context; all zero: none
	TraceID [16]byte
	// what was captured is the last one, and those before it are its causes
	Exceptions []Exception
	// the stack of the thread that sent a message, outermost call first
	Thread []Frame
	// names of what the event has besides; see Parts
	Dropped []string
}

// Exception is an error in the chain of errors that were captured.
type Exception struct {
	Type      string  // name of its type; may be empty
	Value     string  // its message
	Unhandled bool    // the application did not catch it
	Synthetic bool    // the SDK made it to have a stack for a message
	Frames    []Frame // outermost call first; may be empty
}

// Frame is a call on a stack.
type Frame struct {
	Function string
	Module   string // package or namespace of the function
	File     string // path or URL
	Line     int
}

// Parts are the names that Event.Dropped may have: the parts of events that are not decoded, and
// "other" for those without a name here.
var Parts = []string{"breadcrumbs", "contexts", "debug_meta", "dist", "environment", "extra", "fingerprint", "logger", "modules", "request",
	"sdk", "server_name", "spans", "tags", "transaction", "user", PartOther}

// PartOther stands for all parts without a name in [Parts].
const PartOther = "other"

// kept are the parts that are decoded. "type" only says which kind of event it is.
var kept = map[string]bool{"event_id": true, "platform": true, "level": true, "release": true, "message": true, "logentry": true, "timestamp": true,
	"contexts": true, "exception": true, "threads": true, "type": true}

// ParseEvent decodes the payload of an item of the type "event". A part whose form is not the
// expected one is left out.
func ParseEvent(payload []byte) (*Event, error) {
	if tooDeep(payload) {
		return nil, errDeep
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(payload, &all) != nil || all == nil {
		return nil, errors.New("is not a JSON object")
	}
	e := &Event{}
	e.Platform, e.Level, e.Release = text(all["platform"]), text(all["level"]), text(all["release"])
	if id := text(all["event_id"]); isID(id) {
		e.ID = strings.ReplaceAll(id, "-", "")
	}
	e.Message = message(all)
	e.Time = instant(all["timestamp"])
	for _, x := range values[rawException](all["exception"]) {
		e.Exceptions = append(e.Exceptions, x.exception())
	}
	e.Thread = thread(all["threads"])
	rest := e.contexts(all["contexts"])
	for name, raw := range all {
		switch {
		case string(raw) == "null", kept[name] && (name != "contexts" || !rest):
		case slices.Contains(Parts, name):
			e.Dropped = append(e.Dropped, name)
		default:
			e.Dropped = append(e.Dropped, PartOther)
		}
	}
	slices.Sort(e.Dropped)
	e.Dropped = slices.Compact(e.Dropped)
	return e, nil
}

// text returns a JSON string, and "" for anything else.
func text(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s)
	return s
}

// isID reports whether s is the id of an event: a UUID with or without hyphens.
func isID(s string) bool {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	return err == nil && len(b) == 16
}

// message returns the text of a message, without its parameters if the SDK sends them apart.
func message(all map[string]json.RawMessage) string {
	var entry struct {
		Message   string `json:"message"`
		Formatted string `json:"formatted"`
	}
	if s := text(all["message"]); s != "" {
		return s
	}
	_ = json.Unmarshal(all["logentry"], &entry)
	if entry.Message != "" {
		return entry.Message
	}
	return entry.Formatted
}

// instant returns a time, which is a number of seconds since 1970 or a text (RFC 3339).
func instant(raw json.RawMessage) time.Time {
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil {
		const year9999 = 253402300799
		if !(seconds > 0 && seconds < year9999) {
			return time.Time{}
		}
		whole, part := math.Modf(seconds)
		return time.Unix(int64(whole), int64(part*1e9))
	}
	s := text(raw)
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t
	}
	t, _ := time.Parse("2006-01-02T15:04:05.999999999", s) // without a zone it is UTC
	return t
}

// values decodes a list, which is in an object with the key "values" or by itself. Entries of
// another form are left out.
func values[T any](raw json.RawMessage) (all []T) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		var object struct {
			Values []json.RawMessage `json:"values"`
		}
		_ = json.Unmarshal(raw, &object)
		list = object.Values
	}
	for _, one := range list {
		var v T
		if json.Unmarshal(one, &v) == nil {
			all = append(all, v)
		}
	}
	return all
}

type rawException struct {
	Type      string `json:"type"`
	Value     string `json:"value"`
	Mechanism struct {
		Handled   *bool `json:"handled"`
		Synthetic bool  `json:"synthetic"`
	} `json:"mechanism"`
	Stacktrace rawStack `json:"stacktrace"`
}

func (x *rawException) exception() Exception {
	handled := x.Mechanism.Handled
	return Exception{Type: x.Type, Value: x.Value, Unhandled: handled != nil && !*handled, Synthetic: x.Mechanism.Synthetic,
		Frames: x.Stacktrace.list()}
}

// rawStack is a stack. Variables and lines of source code are not decoded.
type rawStack struct {
	Frames []struct {
		Function string  `json:"function"`
		Module   string  `json:"module"`
		Filename string  `json:"filename"`
		AbsPath  string  `json:"abs_path"`
		Line     float64 `json:"lineno"`
	} `json:"frames"`
}

func (s *rawStack) list() (all []Frame) {
	for _, f := range s.Frames {
		file := f.Filename
		if file == "" || file == "unknown" {
			file = f.AbsPath
		}
		line := 0
		if f.Line > 0 && f.Line <= math.MaxInt32 {
			line = int(f.Line)
		}
		all = append(all, Frame{Function: f.Function, Module: f.Module, File: file, Line: line})
	}
	return all
}

// thread returns the stack of the thread that crashed or sent the event.
func thread(raw json.RawMessage) (frames []Frame) {
	for _, t := range values[struct {
		Crashed    bool     `json:"crashed"`
		Current    bool     `json:"current"`
		Stacktrace rawStack `json:"stacktrace"`
	}](raw) {
		if t.Crashed || t.Current {
			return t.Stacktrace.list()
		}
	}
	return nil
}

// contexts reads the contexts that are kept, and reports whether there are others.
func (e *Event) contexts(raw json.RawMessage) (others bool) {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(raw, &all)
	var system struct {
		Name string `json:"name"`
	}
	var trace struct {
		TraceID string `json:"trace_id"`
	}
	_ = json.Unmarshal(all["os"], &system)
	_ = json.Unmarshal(all["trace"], &trace)
	e.OS = system.Name
	if b, err := hex.DecodeString(trace.TraceID); err == nil && len(b) == len(e.TraceID) {
		copy(e.TraceID[:], b)
	}
	for name := range all {
		others = others || name != "os" && name != "trace"
	}
	return others
}
