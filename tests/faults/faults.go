// Package faults has servers that break connections in every phase, on loopback, for the tests of
// all agents. Start with [Start]. docs/outcomes.md says what each agent calls them; see [Check].
package faults

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// Fault is a server that does the same with each connection. Its address is its own, so that the
// target of a report tells the faults apart.
type Fault struct {
	Name string         // as in docs/outcomes.md
	URL  string         // the origin, without a path
	Go   report.Outcome // what the agent for Go must call it

	// Silent is set if the server waits until the client gives up.
	Silent bool
}

// Patience is how long a client should wait for the server.
func (f *Fault) Patience() time.Duration {
	if f.Silent {
		return patience
	}
	return time.Minute
}

// Servers are all faults, and what clients need to meet them.
type Servers struct {
	Faults    []Fault
	Authority string // file with the certificate, in PEM, of the authority that clients trust
}

// patience is how long a client waits that will get no answer.
const patience = 2 * time.Second

// NoName is the origin whose name does not exist.
const NoName = "http://nowhere.invalid"

// What servers answer. Any page may read it.
const (
	allow = "Access-Control-Allow-Origin: *\r\n"
	ok    = "HTTP/1.1 200 OK\r\n" + allow + "Content-Length: 2\r\nConnection: close\r\n\r\nok"
	sized = "HTTP/1.1 200 OK\r\n" + allow + "Content-Length: 100\r\n\r\nabc"
	parts = "HTTP/1.1 200 OK\r\n" + allow + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	loop  = "HTTP/1.1 302 Found\r\n" + allow + "Location: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)

// Start starts the servers, which end with the test.
func Start(t testing.TB) *Servers {
	t.Helper()
	ca, err := devca.New("Known")
	must(t, err)
	return StartWith(t, ca)
}

// StartWith is like [Start] for clients that trust ca already.
func StartWith(t testing.TB, ca *devca.CA) *Servers {
	t.Helper()
	c := newCertificates(t, ca)
	s := &Servers{Authority: c.file}
	plain := func(name string, outcome report.Outcome, act func(net.Conn)) {
		s.Faults = append(s.Faults, Fault{Name: name, URL: "http://" + serve(t, act), Go: outcome})
	}
	raw := func(name string, outcome report.Outcome, act func(net.Conn)) {
		s.Faults = append(s.Faults, Fault{Name: name, URL: "https://" + serve(t, act), Go: outcome})
	}
	secure := func(name string, outcome report.Outcome, config *tls.Config) {
		raw(name, outcome, overTLS(config, answer(ok)))
	}
	status := func(line string) string {
		return "HTTP/1.1 " + line + "\r\n" + allow + "Content-Length: 0\r\nConnection: close\r\n\r\n"
	}

	plain("none", report.OK, answer(ok))
	plain("status 204", report.OK, answer("HTTP/1.1 204 No Content\r\n"+allow+"Connection: close\r\n\r\n"))
	plain("status 404", report.HTTPError, answer(status("404 Not Found")))
	plain("status 503", report.HTTPError, answer(status("503 Service Unavailable")))
	plain("redirects without end", report.HTTPRedirectLoop, answer(loop))
	s.Faults = append(s.Faults,
		Fault{Name: "name that does not exist", URL: NoName, Go: report.DNSNameNotResolved},
		Fault{Name: "connection refused", URL: "http://" + probetest.ClosedPort(t), Go: report.TCPRefused})
	plain("reset before the answer", report.TCPReset, reset(""))
	plain("reset in the body", report.TCPReset, reset(sized))
	silent := func(name string, text string) {
		plain(name, report.TCPTimedOut, answerAndWait(text))
		s.Faults[len(s.Faults)-1].Silent = true
	}
	silent("no answer", "")
	silent("no end of the body", sized)
	plain("closed without an answer", report.HTTPResponseEmpty, answer(""))
	plain("closed in the head", report.HTTPHeadersTruncated, answer("HTTP/1.1 200 OK\r\nContent-Length: 1"))
	plain("closed in the body", report.HTTPContentLengthMismatch, answer(sized))
	plain("closed in a chunk", report.HTTPIncompleteChunked, answer(parts+"5\r\nab"))
	plain("malformed chunk", report.HTTPInvalidChunked, answer(parts+"xyz\r\nab"))
	plain("another protocol than HTTP", report.HTTPResponseInvalid, answer("SSH-2.0-OpenSSH_9\r\n\r\n"))

	secure("none, over TLS", report.OK, c.good)
	secure("certificate expired", report.TLSCertDateInvalid, c.expired)
	secure("certificate for another name", report.TLSCertNameInvalid, c.other)
	secure("certificate of an unknown authority", report.TLSCertAuthorityInvalid, c.unknown)
	secure("certificate self-signed", report.TLSCertAuthorityInvalid, c.selfSigned)
	secure("old version of TLS", report.TLSVersionOrCipherMismatch, c.old)
	raw("client certificate wanted", report.TLSBadClientAuthCert, alert(42))
	raw("HTTP instead of TLS", report.TLSProtocolError, answer("HTTP/1.1 400 Bad Request\r\n\r\n"))
	raw("closed in the handshake", report.TCPClosed, answer(""))
	raw("reset in the handshake", report.TCPReset, reset(""))
	return s
}

// Resolves reports whether this machine's resolver says of a name that it does not exist. One that
// cannot be asked says something else.
func Resolves() bool {
	_, err := net.LookupHost(strings.TrimPrefix(NoName, "http://"))
	e, ok := err.(*net.DNSError)
	return ok && e.IsNotFound
}
