package agent

import "context"

type traceKey struct{}

// WithTraceID returns a context that carries a trace id (W3C Trace Context, trace-id), for
// [Agent.CaptureError] and agent/slogagent.
func WithTraceID(ctx context.Context, id [16]byte) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

// TraceIDFrom returns what [WithTraceID] gave ctx, all zero if nothing.
func TraceIDFrom(ctx context.Context) (id [16]byte) {
	if ctx != nil {
		id, _ = ctx.Value(traceKey{}).([16]byte)
	}
	return id
}
