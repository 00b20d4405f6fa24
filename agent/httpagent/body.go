package httpagent

import (
	"errors"
	"io"

	"github.com/heliograph-net/heliograph/report"
)

// handle is the response body that the application gets. It forwards to the real body and observes
// how it ends.
//
// An application may retain a body after Close, close it again, or read from it while another
// goroutine closes it. So a handle must not be used for a second response. Every handle is given
// out once, and the exchange behind it counts its turns. A call with a handle of an earlier turn
// goes only to the real body and not to the exchange. The exchange can serve the next request when
// its handle is closed and no goroutine is in Read. Handles are 32 bytes each and are allocated
// in groups.
type handle struct {
	of   *exchange
	turn uint64
	body io.ReadCloser // the real one
}

// handles is how many handles are allocated at once.
const handles = 32

// hold returns the handle for the body of x's response. It is the only one of this turn.
func (x *exchange) hold(body io.ReadCloser) *handle {
	if len(x.spare) == 0 {
		x.spare = make([]handle, handles)
	}
	h := &x.spare[0]
	x.spare = x.spare[1:]
	h.of, h.turn, h.body = x, x.turn.Load(), body
	return h
}

// Read implements io.Reader.
func (h *handle) Read(p []byte) (int, error) {
	x := h.of
	// The order matters: either Close sees a reader and leaves the exchange to the garbage
	// collector, or the reader sees that Close came first.
	x.readers.Add(1)
	if x.turn.Load() != h.turn {
		x.readers.Add(-1)
		return h.body.Read(p)
	}
	n, err := h.body.Read(p)
	if err != nil {
		x.bodyEnded(err)
	}
	x.readers.Add(-1)
	return n, err
}

// Close implements io.Closer. A request counts as answered even if the application does not read
// the body to its end. The end is recorded before the real body is closed, because a Read that
// fails because of Close is not a failure.
func (h *handle) Close() error {
	x := h.of
	if !x.turn.CompareAndSwap(h.turn, h.turn+1) {
		return h.body.Close()
	}
	x.end(x.outcome, nil)
	err := h.body.Close()
	if x.readers.Load() == 0 {
		x.release()
	}
	return err
}

func (x *exchange) bodyEnded(err error) {
	if err == io.EOF || errors.Is(err, io.EOF) {
		x.end(x.outcome, nil)
		return
	}
	if x.ended.Load() {
		return
	}
	outcome := report.Abandoned
	if !x.source.broken() {
		outcome = classifyBody(x.asked.ctx, err, &x.head)
	}
	if outcome != report.Abandoned {
		x.host.suspect()
	}
	x.end(outcome, nil)
}
