// Package httpconn makes HTTP requests over a connection that a probe has made itself. Start
// with [New].
package httpconn

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// Client makes requests over one connection.
type Client struct {
	*http.ClientConn
	under *watched // nil: unknown
}

// New returns a Client for c. If c is a [tls.Conn], it uses the protocol that the handshake
// negotiated, and otherwise protocol, which is "http/1.1" or "h2". The client follows no redirects,
// does not retry, and does not ask for compression. The caller closes c. If c is from [Watch], or
// is a tls.Conn over one that is, errors say how the connection ended.
func New(ctx context.Context, c net.Conn, protocol string) (*Client, error) {
	dial := func(context.Context, string, string) (net.Conn, error) { return c, nil }
	scheme := "http"
	if _, secured := c.(*tls.Conn); secured {
		scheme = "https"
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(protocol != "h2")
	protocols.SetHTTP2(scheme == "https")
	protocols.SetUnencryptedHTTP2(protocol == "h2" && scheme == "http")
	t := &http.Transport{
		DialContext: dial, DialTLSContext: dial, Protocols: protocols, DisableCompression: true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	client, err := t.NewClientConn(ctx, scheme, c.RemoteAddr().String())
	if err != nil {
		return nil, err
	}
	return &Client{client, watchedUnder(c)}, nil
}

// RoundTrip is like that of [http.ClientConn].
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.ClientConn.RoundTrip(r)
	// net/http says no more if the connection ended before the request began
	if err != nil && c.under != nil && strings.Contains(err.Error(), "http2: client conn could not be established") {
		err = cmp.Or(c.under.end(), err)
	}
	return answer, err
}

// Protocol returns the ALPN id of a response's HTTP version (RFC 7301 and IANA's registry).
func Protocol(answer *http.Response) string {
	switch {
	case answer.ProtoMajor == 3:
		return "h3"
	case answer.ProtoMajor == 2:
		return "h2"
	case answer.ProtoAtLeast(1, 1):
		return "http/1.1"
	}
	return "http/1.0"
}

// Classify returns the outcome of an error in HTTP/2, or "" for other errors. It looks at the text
// because net/http has no types for these errors.
func Classify(err error) report.Outcome {
	text := err.Error()
	for _, part := range []string{"http2: ", "stream error: ", "connection error: "} {
		if strings.Contains(text, part) {
			return report.H2ProtocolError
		}
	}
	return ""
}
