// Package httpprobe makes a GET request, over TLS when the URL says https.
package httpprobe

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// The steps of an attempt after those of package conn.
const (
	StepFirstByte = "first_byte" // the request is sent and the answer's headers are awaited
	StepBody      = "body"       // the answer's body is read, up to MaxBody
)

// MaxBody is how many bytes of a body a probe reads. A longer body is a success without the rest.
const MaxBody = 1 << 20

const (
	maxHeader = 64 << 10 // bytes of an answer's status line and headers
	maxInform = 5        // interim answers (1xx) before the one that counts
)

var errHeaderTooLong = errors.New("headers too long")

// httpProbe asks one URL at one address. It speaks HTTP/1.1 itself over a connection of its own,
// with net/http's reader of answers, rather than through http.Transport: that hides in which phase
// it failed, and may try again behind the caller's back.
type httpProbe struct {
	dialer          *conn.Dialer
	tls             *conn.Secure  // nil for http
	request         *http.Request // what the answers belong to; only read
	wire            []byte        // the request as sent
	lowest, highest int
}

// try makes an attempt at one address.
func (h *httpProbe) try(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
	c, err := h.dialer.Connect(ctx, a, server)
	if err != nil {
		return err
	}
	defer c.Close() // whatever it says, the answer is known by then
	return h.exchange(ctx, c, a)
}

// exchange does everything after the connection is there.
func (h *httpProbe) exchange(ctx context.Context, c net.Conn, a *probe.Attempt) error {
	if h.tls != nil {
		secured, err := h.tls.Handshake(ctx, a, c)
		if err != nil {
			return err
		}
		c = secured
	}
	a.Enter(StepFirstByte)
	_, writeErr := c.Write(h.wire)
	from := &stream{conn: c, left: maxHeader}
	answer, err := h.readAnswer(from)
	if err != nil && writeErr != nil {
		// a server may answer and close before it has read the request; without an answer this
		// tells more
		return writeErr
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	a.Result.Status, a.Result.Protocol = uint16(answer.StatusCode), protocol(answer)
	a.Enter(StepBody)
	from.left = math.MaxInt64 // the body has its own limit
	if err := readBody(answer); err != nil {
		return err
	}
	a.Result.Outcome = h.judge(answer.StatusCode)
	return nil
}

// stream reads from a connection, so much and no more, and remembers what ended it: net/http's
// reader swallows that when it comes in the middle of a line.
type stream struct {
	conn net.Conn
	left int64
	err  error
}

func (s *stream) Read(b []byte) (int, error) {
	if s.left <= 0 {
		s.err = errHeaderTooLong
		return 0, s.err
	}
	n, err := s.conn.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	if err != nil {
		s.err = err
	}
	return n, err
}

// readAnswer reads up to the end of the headers of the final answer (RFC 9110, section 15.2).
func (h *httpProbe) readAnswer(from *stream) (*http.Response, error) {
	r := bufio.NewReader(from)
	for range maxInform {
		if _, err := r.Peek(1); err != nil {
			return nil, err // io.EOF: not one byte came
		}
		answer, err := http.ReadResponse(r, h.request)
		switch {
		case err != nil && from.err != nil:
			return nil, answerError{from.err}
		case err != nil:
			return nil, answerError{err}
		case answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols:
			return answer, nil
		}
	}
	return nil, answerError{errors.New("only interim answers")}
}

func readBody(answer *http.Response) error {
	_, err := io.CopyN(io.Discard, answer.Body, MaxBody)
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return bodyError{err, len(answer.TransferEncoding) > 0}
}

func (h *httpProbe) judge(status int) report.Outcome {
	switch {
	case status >= h.lowest && status <= h.highest:
		return report.OK
	case status >= 400:
		return report.HTTPError
	}
	return report.HTTPFailed // a redirect, say, where none is expected
}

// protocol is the ALPN id of an answer's version (RFC 7301, IANA's registry).
func protocol(answer *http.Response) string {
	if answer.ProtoAtLeast(1, 1) {
		return "http/1.1"
	}
	return "http/1.0"
}
