package httpagent

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/report"
)

// handle is the response body that the application gets. It forwards to the real body and observes
// how it ends.
//
// An application may retain a body after Close, close it again, or read from it while another
// goroutine closes it. So a handle must not be used for a second response: every handle is given
// out once. The call that ends the response takes the exchange away from the handle, and after that
// the exchange can serve the next request. Later calls go only to the real body. Handles are 24
// bytes each and are allocated in groups.
type handle struct {
	group *handles
	body  io.ReadCloser // the real one
}

// handles are handles for the responses of one exchange, which has one response at a time. So the
// number of those that have ended tells which handle is in use, and a handle needs no state of its
// own.
type handles struct {
	of    *exchange
	ended atomic.Uint32 // how many have ended; the next one is in use, or will be
	all   [62]handle    // as many as fit into 1.5 KiB, a size class of the runtime
}

// hold returns the handle for the body of x's response.
func (x *exchange) hold(body io.ReadCloser) *handle {
	g := x.handles
	if g == nil || int(g.ended.Load()) == len(g.all) {
		g = &handles{of: x}
		x.handles = g
	}
	h := &g.all[g.ended.Load()]
	h.group, h.body = g, body
	return h
}

// take returns the exchange to the first call only, whose caller then owns it. It returns nil to
// others.
func (h *handle) take() *exchange {
	g := h.group
	n := g.ended.Load()
	// most bodies are closed after they have ended, and that costs only this look
	if int(n) >= len(g.all) || h != &g.all[n] || !g.ended.CompareAndSwap(n, n+1) {
		return nil
	}
	return g.of
}

// Read implements io.Reader. It takes the exchange only after reading, because another goroutine
// may close the body meanwhile.
func (h *handle) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	if err != nil {
		if x := h.take(); x != nil {
			x.bodyEnded(err)
		}
	}
	return n, err
}

// Close implements io.Closer. A request counts as answered even if the application does not read
// the body to its end. The end is recorded before the real body is closed, because a Read that
// fails because of Close is not a failure.
func (h *handle) Close() error {
	if x := h.take(); x != nil {
		x.bodyEnded(io.EOF)
	}
	return h.body.Close()
}

// bodyEnded observes the request, whose response's body has ended with err, and releases x.
func (x *exchange) bodyEnded(err error) {
	outcome := x.seen.Outcome
	if err != io.EOF && !errors.Is(err, io.EOF) {
		outcome = x.bodyFailed(err)
	}
	x.end(outcome, nil)
	x.release()
}

// bodyFailed returns the outcome of a request whose response's body failed.
func (x *exchange) bodyFailed(err error) report.Outcome {
	if x.source.broken() {
		return report.Abandoned
	}
	outcome := classifyBody(x.asked.ctx, err, &x.head)
	if outcome != report.Abandoned {
		x.host.suspect()
	}
	return outcome
}
