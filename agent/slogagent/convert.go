package slogagent

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// found is what was found in attributes. It is never changed in place, because handlers share it.
type found struct {
	text  string // " key=value" of each attribute that may be reported
	trace [16]byte
}

// enough is how many bytes of attributes are kept. The message that they become part of cannot
// hold more.
const enough = report.MaxMessage

// convert makes an application error from a record. It returns false if a value of the
// record panics.
func (h *Handler) convert(ctx context.Context, r *slog.Record) (e agent.ApplicationError, ok bool) {
	defer func() { _ = recover() }() // panics of a LogValuer, a Stringer, or Options.TraceID
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

// look adds what it finds in attrs, which belong to h's groups.
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
		if a.Key != "" { // otherwise the group is inlined
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

// parseTrace returns the trace id in v, which is 16 bytes or 32 hex digits. If v is neither, it
// returns otherwise.
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
