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
	of   atomic.Pointer[exchange] // nil after the end of the response
	body io.ReadCloser            // the real one
}

// handles is how many handles are allocated at once.
const handles = 64

// hold returns the handle for the body of x's response.
func (x *exchange) hold(body io.ReadCloser) *handle {
	if len(x.spare) == 0 {
		x.spare = make([]handle, handles)
	}
	h := &x.spare[0]
	x.spare = x.spare[1:]
	h.body = body
	h.of.Store(x)
	return h
}

// take returns the exchange to the first call only, whose caller then owns it. It returns nil to
// others.
func (h *handle) take() *exchange {
	if h.of.Load() == nil { // most bodies are closed after they have ended
		return nil
	}
	return h.of.Swap(nil)
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
