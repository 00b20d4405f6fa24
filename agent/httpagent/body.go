package httpagent

import (
	"errors"
	"io"

	"github.com/heliograph-net/heliograph/report"
)

// handle is the answer's body as the application has it: it passes the real one on, and sees how
// that ends.
//
// An application may keep a body after Close, close it again, read from it while another goroutine
// closes it. So what it holds can never be used for a second answer. Every handle is given out
// once, and the exchange behind it counts the turns that it takes: whoever comes with a handle of
// an earlier turn is late, and gets what the real body says to that, without the exchange. The
// exchange serves the next request when its handle was closed and no goroutine is in Read. Handles
// are made by the dozen, 32 bytes each.
type handle struct {
	of   *exchange
	turn uint64
	body io.ReadCloser // the real one
}

// handles is how many are made at once.
const handles = 32

// hold returns the handle of x's answer's body. Nobody holds another of this turn.
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
	// The order decides: either Close sees a reader, and leaves the exchange to the garbage
	// collector, or the reader sees that it came after Close.
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

// Close implements io.Closer. A body that the application does not read to its end was answered all
// the same; a Read that fails because of Close is no failure, so the end is noted first.
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
