// Package httpprobe probes by an HTTP request, with TLS if the URL is https, and checks the answer.
// Start with [Options].
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
	"github.com/heliograph-net/heliograph/prober/probe/conn/h3conn"
	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
	"github.com/heliograph-net/heliograph/report"
)

// The steps of an attempt besides those of package conn.
const (
	StepRedirect  = "redirect"   // everything up to the last redirect that was followed
	StepFirstByte = "first_byte" // sending the request and waiting for the answer's headers
	StepBody      = "body"       // reading the answer's body, up to MaxBody
)

// MaxBody is how many bytes of a body a probe reads. A longer body is not a failure; the rest
// is ignored.
const MaxBody = 1 << 20

const (
	maxHeader = 64 << 10 // bytes of an answer's status line and headers
	maxInform = 5        // interim answers (1xx) before the one that counts
)

var errPlainHTTP3 = errors.New("a redirect leads to an http URL, and HTTP/3 is for https only")

var errHeaderTooLong = errors.New("headers too long")

// httpProbe requests one URL. It writes HTTP/1.1 to a connection of its own and parses the answer
// with net/http. It does not use http.Transport, which does not tell in which phase a request
// failed and may silently retry it.
type httpProbe struct {
	dialer *conn.Dialer
	tls    *conn.Secure
	env    probe.Env
	spec   *Options // read-only
	first  hop
	rules  rules
}

// try makes an attempt at one address.
func (h *httpProbe) try(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
	next := &h.first
	for redirects := range maxRedirects + 1 {
		answer, err := h.visit(ctx, a, server, next)
		if err != nil {
			return err
		}
		a.Detail("http_redirects", float64(redirects), nil)
		if next, err = h.redirect(next, answer); err != nil {
			return err
		}
		if next == nil {
			a.Result.Outcome = h.rules.judge(ctx, answer)
			if h.rules.jsonMatches != nil || h.rules.jsonNotMatches != nil {
				a.Detail("failed_due_to_cel", probe.Flag(a.Result.Outcome == report.HTTPAnswerUnexpected), nil)
			}
			return nil
		}
		a.Merge(StepRedirect)
		if next.dialer != nil {
			if server, err = next.dialer.First(ctx, a); err != nil {
				return err
			}
		}
	}
	a.Result.Outcome = report.HTTPRedirectLoop
	return nil
}

// answer is an answer whose body has been read.
type answer struct {
	*http.Response
	body    []byte // nil unless a rule needs it
	secured bool
}

// visit requests one URL.
func (h *httpProbe) visit(ctx context.Context, a *probe.Attempt, server netip.AddrPort, to *hop) (*answer, error) {
	if h.spec.Version == h3conn.ALPN {
		return h.overHTTP3(ctx, a, server, to)
	}
	c, err := h.dialer.Connect(ctx, a, server)
	if err != nil {
		return nil, err
	}
	defer c.Close() // an error changes nothing: the outcome is known by then
	secured := to.tls != nil
	if secured {
		over, err := to.tls.Handshake(ctx, a, httpconn.Watch(c))
		if err != nil {
			return nil, err
		}
		if c = over; over.ConnectionState().NegotiatedProtocol == "h2" {
			return h.overHTTP2(ctx, a, c, to)
		}
	}
	a.Enter(StepFirstByte)
	_, writeErr := c.Write(to.wire)
	from := &stream{conn: c, left: maxHeader}
	came, err := readAnswer(from, to.request)
	if err != nil && writeErr != nil {
		// a server may answer and close before it has read the request; if there is no answer,
		// writeErr says more
		return nil, writeErr
	}
	if err != nil {
		return nil, err
	}
	from.left = math.MaxInt64 // the body has its own limit
	return h.finish(ctx, a, came, secured)
}

// overHTTP2 makes the request over c, whose handshake has negotiated h2.
func (h *httpProbe) overHTTP2(ctx context.Context, a *probe.Attempt, c net.Conn, to *hop) (*answer, error) {
	a.Enter(StepFirstByte)
	client, err := httpconn.New(ctx, c, "h2")
	if err != nil {
		return nil, err
	}
	defer client.Close() // an error changes nothing: the outcome is known by then
	request, err := to.fresh(ctx)
	if err != nil {
		return nil, err
	}
	came, err := client.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	return h.finish(ctx, a, came, true)
}

// overHTTP3 makes the request over a QUIC connection of its own.
func (h *httpProbe) overHTTP3(ctx context.Context, a *probe.Attempt, server netip.AddrPort, to *hop) (*answer, error) {
	if to.tls == nil {
		return nil, redirectError{errPlainHTTP3}
	}
	a.Enter(conn.StepConnect)
	socket, err := h.dialer.DialUDP(ctx, server)
	if err != nil {
		return nil, h3conn.Wrap(err)
	}
	defer socket.Close() // an error changes nothing: the outcome is known by then
	client, err := h3conn.Dial(ctx, socket, to.tls.Config())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	state := client.ConnectionState()
	to.tls.Record(a, &state)
	a.Enter(StepFirstByte)
	request, err := to.fresh(ctx)
	if err != nil {
		return nil, err
	}
	came, err := client.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	answer, err := h.finish(ctx, a, came, true)
	return answer, h3conn.Wrap(err)
}

// finish reads the body of an answer.
func (h *httpProbe) finish(ctx context.Context, a *probe.Attempt, came *http.Response, secured bool) (*answer, error) {
	defer came.Body.Close()
	a.Result.Status, a.Result.Protocol = uint16(came.StatusCode), httpconn.Protocol(came)
	if date, err := http.ParseTime(came.Header.Get("Date")); err == nil {
		a.Result.Date = date
	}
	a.Enter(StepBody)
	facts := probe.WantsFacts(ctx)
	a.Detail("http_content_length", float64(came.ContentLength), nil)
	a.Detail("http_ssl", probe.Flag(secured), nil)
	a.Detail("http_version", float64(came.ProtoMajor)+float64(came.ProtoMinor)/10, nil)
	if at, err := http.ParseTime(came.Header.Get("Last-Modified")); err == nil {
		a.Detail("http_last_modified_timestamp_seconds", float64(at.Unix()), nil)
	}
	body, n, err := h.readBody(came, facts)
	a.Detail("http_uncompressed_body_length", float64(n), nil)
	if err != nil {
		return nil, err
	}
	if facts {
		a.Result.Facts = probe.Facts{Header: came.Header, Body: body}
	}
	return &answer{came, body, secured}, nil
}

// stream reads from a connection up to a limit and remembers the error that ended it, because
// net/http hides an error in the middle of a line.
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
func readAnswer(from *stream, request *http.Request) (*http.Response, error) {
	r := bufio.NewReader(from)
	for range maxInform {
		if _, err := r.Peek(1); err != nil {
			return nil, err // io.EOF: no byte has arrived
		}
		answer, err := http.ReadResponse(r, request)
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

// readBody reads up to MaxBody bytes, of which it returns the number and, if they are wanted or a
// rule needs them, the bytes.
func (h *httpProbe) readBody(answer *http.Response, wanted bool) (body []byte, n int64, err error) {
	from, err := decompress(h.spec.Compression, answer.Body)
	switch {
	case err != nil:
	case wanted || h.rules.wantBody():
		body, err = io.ReadAll(io.LimitReader(from, MaxBody))
		n = int64(len(body))
	default:
		n, err = io.CopyN(io.Discard, from, MaxBody)
	}
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return body, n, nil
	}
	return nil, n, bodyError{err, len(answer.TransferEncoding) > 0}
}
