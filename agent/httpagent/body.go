package httpagent

import (
	"errors"
	"io"
)

// body is an exchange in its last part: it passes the answer's body on, and sees how that ends.
type body exchange

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	x := (*exchange)(b)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		x.end(b.outcome, nil)
	default:
		x.end(classifyBody(b.req.Context(), err, b.resp), err)
	}
	return n, err
}

// Close implements io.Closer. A body that the application does not read to its end was answered all the same; a Read that fails
// because of Close is no failure, so the end is noted first.
func (b *body) Close() error {
	(*exchange)(b).end(b.outcome, nil)
	return b.body.Close()
}
