package httpagent

import (
	"errors"
	"io"

	"github.com/heliograph-net/heliograph/report"
)

// body passes an answer's body on, and sees how it ends.
type body struct {
	io.ReadCloser
	x       *exchange
	outcome report.Outcome // of the answer, if its body arrives whole
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.x.end(b.outcome, nil)
	default:
		b.x.end(classifyBody(b.x.req.Context(), err, b.x.resp), err)
	}
	return n, err
}

// Close implements io.Closer. A body that the application does not read to its end was answered all the same; a Read that fails
// because of Close is no failure, so the end is noted first.
func (b *body) Close() error {
	b.x.end(b.outcome, nil)
	return b.ReadCloser.Close()
}
