package agent

import "context"

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
