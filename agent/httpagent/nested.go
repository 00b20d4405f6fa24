package httpagent

import (
	"context"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// A client's transport may be wrapped twice for one agent: http.DefaultTransport, and the client's
// own transport on top of it. The wrapper nearest to the network counts the request, so that
// retries between the two are seen.

// noteKey is the context key of a note. There is one note for all that wrappers want to know,
// because each look into a context takes time.
type noteKey struct{}

// note is what a request's context tells a wrapper. It does not change.
type note struct {
	flags report.Flags
	outer *trace // of the nearest wrapper that traces the request; nil: none
}

// noteIn returns ctx's note.
func noteIn(ctx context.Context) note {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return *n
	}
	return note{}
}

// readNote returns the flags of a request of agent a. It also tells an outer wrapper for the same
// agent that this one counts the request. The outer wrapper traces requests to a host until it
// knows the host well, and continues to trace them if it is told so.
func readNote(ctx context.Context, a *agent.Agent) report.Flags {
	n, ok := ctx.Value(noteKey{}).(*note)
	if !ok {
		return 0
	}
	if n.outer != nil && n.outer.rt.agent == a {
		n.outer.nested.Store(true)
	}
	return n.flags
}

// counted reports whether an inner wrapper counts the request.
func (x *exchange) counted() bool { return x.trace != nil && x.trace.nested.Load() }
