// Package httpconn speaks HTTP/1.1 or HTTP/2 over a connection that a probe has made.
package httpconn

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// New makes an HTTP client of c, whose owner still closes it: by the protocol that was agreed on if
// it is a [tls.Conn], else by protocol, "http/1.1" or "h2". It follows no redirect, tries nothing
// twice and asks for no compression.
func New(ctx context.Context, c net.Conn, protocol string) (*http.ClientConn, error) {
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
	return t.NewClientConn(ctx, scheme, c.RemoteAddr().String())
}

// Protocol is the ALPN id of an answer's version (RFC 7301, IANA's registry).
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

// Classify names what breaks HTTP/2; "" for anything else. net/http has no types for it.
func Classify(err error) report.Outcome {
	text := err.Error()
	for _, part := range []string{"http2: ", "stream error: ", "connection error: "} {
		if strings.Contains(text, part) {
			return report.H2ProtocolError
		}
	}
	return ""
}
