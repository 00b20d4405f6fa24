// Package h3conn makes HTTP/3 requests (RFC 9114) over a socket that a probe has made itself. Start
// with [Dial].
package h3conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// ALPN is the protocol to offer in the handshake.
const ALPN = "h3"

// maxHeader is the most bytes of an answer's headers.
const maxHeader = 64 << 10

// goodbye is how long the end of a connection may take. The server learns of it if the packet
// arrives.
const goodbye = 100 * time.Millisecond

// Client is an HTTP/3 client for one connection. It follows no redirects, does not retry, and does
// not ask for compression.
type Client struct {
	transport *quic.Transport
	quic      *quic.Conn
	http      *http3.ClientConn
}

// Dial makes the QUIC handshake, which includes that of TLS, over a socket that is connected to the
// server. The caller closes the socket after [Client.Close]. Errors are of type [Error].
func Dial(ctx context.Context, socket net.Conn, config *tls.Config) (*Client, error) {
	c := &Client{transport: &quic.Transport{Conn: &packets{socket}}}
	limit := 30 * time.Second // ctx ends earlier, as a rule
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(time.Until(deadline), time.Millisecond)
	}
	var err error
	c.quic, err = c.transport.Dial(ctx, socket.RemoteAddr(), config, &quic.Config{HandshakeIdleTimeout: limit, MaxIdleTimeout: limit})
	if err != nil {
		c.close()
		return nil, Error{err}
	}
	t := &http3.Transport{DisableCompression: true, MaxResponseHeaderBytes: maxHeader}
	c.http = t.NewClientConn(c.quic)
	return c, nil
}

// ConnectionState returns what the handshake has found.
func (c *Client) ConnectionState() tls.ConnectionState { return c.quic.ConnectionState().TLS }

// RoundTrip makes a request. Errors are of type [Error].
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.http.RoundTrip(r)
	if err != nil {
		return nil, Error{err}
	}
	return answer, nil
}

// Close ends the connection.
func (c *Client) Close() {
	// the outcome is known
	_ = c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	c.close()
}

// close ends the transport, which reads from the socket in a goroutine of its own.
func (c *Client) close() {
	if p, ok := c.transport.Conn.(*packets); ok {
		_ = p.Conn.SetWriteDeadline(time.Now().Add(goodbye)) // fails only on a closed socket
	}
	_ = c.transport.Close() // likewise
}

// Error is an error of a connection or a request.
type Error struct{ error }

// Unwrap returns the error of the QUIC library.
func (e Error) Unwrap() error { return e.error }

// Wrap returns an error of the socket, or of reading an answer's body, as an [Error], unless the
// body is shorter than the answer said.
func Wrap(err error) error {
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return Error{err}
}

// Classify returns the outcome of an [Error], or "" for other errors.
func Classify(err error) report.Outcome {
	if _, ok := errors.AsType[Error](err); !ok {
		return ""
	}
	if outcome := conn.ClassifyCertificate(err); outcome != "" {
		return outcome
	}
	if transport, ok := errors.AsType[*quic.TransportError](err); ok && transport.ErrorCode.IsCryptoError() {
		// its last byte, RFC 9001, section 4.8
		return conn.ClassifyAlert(uint8(transport.ErrorCode))
	}
	idle, handshake := new(quic.IdleTimeoutError), new(quic.HandshakeTimeoutError)
	if errors.As(err, &idle) || errors.As(err, &handshake) {
		return report.UDPTimedOut
	}
	if outcome := conn.ClassifyUDP(err); outcome != report.UDPFailed {
		return outcome
	}
	return report.H3ProtocolError
}

// packets is a connected socket as QUIC wants it. A connected one tells that a port is closed.
type packets struct{ net.Conn }

// ReadFrom implements [net.PacketConn].
func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.Conn.Read(b)
	return n, p.Conn.RemoteAddr(), err
}

// WriteTo implements [net.PacketConn].
func (p *packets) WriteTo(b []byte, _ net.Addr) (int, error) { return p.Conn.Write(b) }

// SetReadBuffer and SetWriteBuffer leave the socket's buffers as they are, which are large enough
// for a probe. Without these methods quic-go writes to the log that it cannot set them.
func (p *packets) SetReadBuffer(int) error  { return nil }
func (p *packets) SetWriteBuffer(int) error { return nil }
