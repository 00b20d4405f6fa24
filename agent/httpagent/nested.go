package httpagent

import (
	"context"

	"github.com/heliograph-net/heliograph/agent"
)

// A client's transport may be wrapped twice for one agent: http.DefaultTransport, and the client's
// own transport on top of it. The wrapper nearest to the network counts the request, so that
// retries between the two are seen.

// tracedKey is the context key of the trace of an outer wrapper.
type tracedKey struct{}

// tellOuter tells an outer wrapper for the same agent that this one counts the request. The outer
// wrapper traces requests to a host until it knows the host well, and continues to trace them if it
// is told so.
func tellOuter(ctx context.Context, a *agent.Agent) {
	if t, ok := ctx.Value(tracedKey{}).(*trace); ok && t.rt.agent == a {
		t.nested.Store(true)
	}
}

// counted reports whether an inner wrapper counts the request.
func (x *exchange) counted() bool { return x.trace != nil && x.trace.nested.Load() }
