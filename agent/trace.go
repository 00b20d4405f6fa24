package agent

import (
	"context"
	"encoding/binary"
	"strconv"
)

type traceKey struct{}

// WithTraceID returns a copy of ctx with a trace id (the trace-id of W3C Trace Context), for
// [Agent.CaptureError] and agent/slogagent.
func WithTraceID(ctx context.Context, id [16]byte) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

// TraceIDFrom returns the trace id that [WithTraceID] stored in ctx, or zeros if there is none.
func TraceIDFrom(ctx context.Context) (id [16]byte) {
	if ctx != nil {
		id, _ = ctx.Value(traceKey{}).([16]byte)
	}
	return id
}

// TraceIDOf returns the trace id in a traceparent header (W3C Trace Context, section 3.2), for
// [Observation].TraceID, or zeros if the header is not valid. It accepts upper-case digits, which
// some libraries send.
func TraceIDOf(traceparent string) (id [16]byte) {
	const (
		traceAt, parentAt, flagsAt = len("00-"), len("00-") + 32 + 1, len("00-") + 32 + 1 + 16 + 1
		length                     = flagsAt + 2 // of version 00; later versions may append to it
	)
	h := traceparent
	if len(h) < length || h[traceAt-1] != '-' || h[parentAt-1] != '-' || h[flagsAt-1] != '-' {
		return id
	}
	version, ok1 := hexValue(h[:traceAt-1])
	high, ok2 := hexValue(h[traceAt : traceAt+16])
	low, ok3 := hexValue(h[traceAt+16 : parentAt-1])
	parent, ok4 := hexValue(h[parentAt : flagsAt-1])
	_, ok5 := hexValue(h[flagsAt:length])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || version == 0xff || parent == 0 {
		return id
	}
	if len(h) > length && (version == 0 || h[length] != '-') {
		return id
	}
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

func hexValue(digits string) (uint64, bool) {
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil
}
