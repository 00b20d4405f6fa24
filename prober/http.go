package prober

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

const (
	maxHeader = 64 << 10 // bytes of an answer's status line and headers
	maxInform = 5        // interim answers (1xx) before the one that counts
)

var errHeaderTooLong = errors.New("headers too long")

// httpProbe asks one URL at one address. It speaks HTTP/1.1 itself over a connection of its own,
// with net/http's reader of answers, rather than through http.Transport: that hides in which phase
// it failed, and may try again behind the caller's back.
type httpProbe struct {
	dial            *dial
	tls             *tls.Config   // nil for http
	request         *http.Request // what the answers belong to; only read
	wire            []byte        // the request as sent
	lowest, highest int
}

func newHTTPProbe(t *Target, d *dial) (*httpProbe, error) {
	u, err := parseURL(t.URL)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("URL: cannot be requested")
	}
	request.Header.Set("User-Agent", "heliograph-prober")
	request.Header.Set("Accept", "*/*")
	request.Close = true
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		return nil, errors.New("URL: cannot be requested")
	}
	h := &httpProbe{dial: d, request: request, wire: wire.Bytes()}
	h.lowest, h.highest = t.statuses()
	if u.Scheme == "https" {
		h.tls = &tls.Config{
			ServerName:         u.Hostname(),
			RootCAs:            t.TLS.RootCAs,
			InsecureSkipVerify: t.TLS.InsecureSkipVerify,
			NextProtos:         []string{"http/1.1"},
			MinVersion:         tls.VersionTLS12,
		}
		if t.TLS.ServerName != "" {
			h.tls.ServerName = t.TLS.ServerName
		}
	}
	return h, nil
}

// probe is the Probe of KindHTTP.
func (h *httpProbe) probe(ctx context.Context) (Result, error) {
	a := newAttempt()
	conn, err := h.dial.connect(ctx, a)
	if err != nil {
		return a.end(ctx, err)
	}
	defer conn.Close() // whatever it says, the answer is known by then
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // fails only on a closed connection
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return a.end(ctx, h.exchange(ctx, conn, a))
}

// exchange does everything after the connection is there.
func (h *httpProbe) exchange(ctx context.Context, conn net.Conn, a *attempt) error {
	if h.tls != nil {
		a.enter(PhaseTLS)
		secured := tls.Client(conn, h.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = secured
	}
	a.enter(PhaseFirstByte)
	_, writeErr := conn.Write(h.wire)
	source := &source{conn: conn, left: maxHeader}
	answer, err := h.readAnswer(source)
	if err != nil && writeErr != nil {
		// a server may answer and close before it has read the request; without an answer this
		// tells more
		return writeErr
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	a.result.Status, a.result.Protocol = uint16(answer.StatusCode), protocol(answer)
	a.enter(PhaseBody)
	source.left = math.MaxInt64 // the body has its own limit
	if err := readBody(answer); err != nil {
		return err
	}
	a.result.Outcome = h.judge(answer.StatusCode)
	return nil
}

// source reads from a connection, so much and no more, and remembers what ended it: net/http's
// reader swallows that when it comes in the middle of a line.
type source struct {
	conn net.Conn
	left int64
	err  error
}

func (s *source) Read(b []byte) (int, error) {
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
func (h *httpProbe) readAnswer(from *source) (*http.Response, error) {
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
