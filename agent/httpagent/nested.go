package httpagent

import (
	"context"

	"github.com/heliograph-net/heliograph/agent"
)

// A client's transport may be wrapped twice for one agent: http.DefaultTransport first, and with it
// as base the client's own. The request is counted by the wrapper nearest to the network, so that
// what lies between, such as retries, is seen as it is.

// tracedKey finds the trace of a wrapper further out in a request's context.
type tracedKey struct{}

// tellOuter tells a wrapper further out, for the same agent, that this one counts the request. The
// outer traces its requests to a host until it knows them well, and never stops when it is told so.
func tellOuter(ctx context.Context, a *agent.Agent) {
	if t, ok := ctx.Value(tracedKey{}).(*trace); ok && t.agent == a {
		t.nested.Store(true)
	}
}

// counted reports whether a wrapper further in counts the request.
func (x *exchange) counted() bool { return x.trace != nil && x.trace.nested.Load() }
