package slogagent

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// found is what was found in attributes. It is never changed in place: handlers share it.
type found struct {
	text  string // " key=value" of each attribute that may be reported
	trace [16]byte
}

// enough is how much of attributes is kept: the message that they go into holds no more.
const enough = report.MaxMessage

// convert makes an application error of a record. It reports false for one whose values panic.
func (h *Handler) convert(ctx context.Context, r *slog.Record) (e agent.ApplicationError, ok bool) {
	defer func() { _ = recover() }() // of a LogValuer, a Stringer, or Options.TraceID
	all := *h
	r.Attrs(func(a slog.Attr) bool {
		all.look([]slog.Attr{a})
		return true
	})
	e = agent.ApplicationError{Kind: report.KindLog, Type: r.Level.String(), Message: r.Message + all.found.text, TraceID: all.found.trace, At: time.Now()}
	if e.TraceID == [16]byte{} {
		e.TraceID = h.traceID(ctx)
	}
	if r.PC != 0 {
		e.PCs = []uintptr{r.PC}
	}
	return e, true
}

// look adds what attrs, which stand below h's groups, have to tell.
func (h *Handler) look(attrs []slog.Attr) {
	for _, a := range attrs {
		h.found = h.lookAt(h.found, h.prefix, a)
	}
}

func (r *reporter) lookAt(f found, prefix string, a slog.Attr) found {
	key := prefix + a.Key
	isTrace, wanted := key == r.traceKey, r.keys[key]
	if a.Value.Kind() != slog.KindGroup && a.Value.Kind() != slog.KindLogValuer && !isTrace && !wanted {
		return f
	}
	v := a.Value.Resolve()
	switch {
	case v.Kind() == slog.KindGroup:
		if a.Key != "" { // else the group is inlined
			prefix = key + "."
		}
		for _, inner := range v.Group() {
			f = r.lookAt(f, prefix, inner)
		}
	case isTrace:
		f.trace = parseTrace(v, f.trace)
	case wanted && len(f.text) < enough:
		f.text += " " + key + "=" + v.String()
	}
	return f
}

// parseTrace reads a trace id, given as 16 bytes or 32 hex digits, or returns otherwise.
func parseTrace(v slog.Value, otherwise [16]byte) (id [16]byte) {
	if b, ok := v.Any().([16]byte); ok {
		return b
	}
	s := v.String()
	if len(s) != hex.EncodedLen(len(id)) {
		return otherwise
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return otherwise
	}
	return id
}
