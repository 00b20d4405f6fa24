//go:build cgo

package main

import (
	"strings"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// maxMessage is how many bytes of a message are looked at: more than any that may be kept, so that
// the agent sees where it was cut.
const maxMessage = 4*report.MaxMessage + 1

// failure is hg_error in Go's terms. Its strings belong to C.
type failure struct {
	kind          int32
	name, message string
	traceID       [16]byte
	frames        []report.Frame
}

// capture has a record f. It keeps no reference to f's strings, because the agent does not.
func capture(a *agent.Agent, f *failure) int32 {
	if f.kind == 0 {
		f.kind = int32(report.KindError)
	}
	if f.name == "" || f.kind < int32(report.KindError) || f.kind > int32(report.KindLog) {
		return resultArgument
	}
	a.Capture(agent.ApplicationError{
		Kind: report.ErrorKind(f.kind), Type: f.name, Message: f.message, Frames: f.frames, TraceID: f.traceID,
	})
	return resultOK
}

// sent is the user's log in plain words.
func sent(a *agent.Agent) (string, error) {
	all, err := a.Sent()
	var text strings.Builder
	for _, r := range all {
		text.WriteString(r.String())
	}
	return text.String(), err
}
