//go:build cgo

package main

import (
	"strings"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// maxMessage is how many bytes of a message are read. It is more than an agent keeps, so that the
// agent sees that the message was cut.
const maxMessage = 4*report.MaxMessage + 1

// failure is hg_error as a Go type. Its strings belong to C.
type failure struct {
	kind          int32
	name, message string
	traceID       [16]byte
	frames        []report.Frame
}

// capture makes a record f. The agent does not retain f's strings.
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

// sent returns the user's log as text.
func sent(a *agent.Agent) (string, error) {
	all, err := a.Sent()
	var text strings.Builder
	for _, r := range all {
		text.WriteString(r.String())
	}
	return text.String(), err
}
