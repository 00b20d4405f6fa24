package httpagent

import (
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// exchange is one request under observation. Exchanges serve one request after another, because
// most requests succeed, and then every allocation is one too many: see body.go for who may
// still hold one.
type exchange struct {
	rt      *roundTripper
	host    *host
	trace   *trace // nil: the request goes out as it is
	req     *http.Request
	resp    *http.Response // nil until its head is there
	start   time.Duration  // when it began, since rt.made
	server  netip.AddrPort // that answered, invalid when unknown
	body    io.ReadCloser  // of the answer
	outcome report.Outcome // of the answer, if its body arrives whole
	ended   atomic.Bool

	holder atomic.Pointer[handle] // of the body; nil: none, or it was closed
	// goroutines that are in handle.Read, or about to find that they must not
	readers atomic.Int32
	spare   []handle // that nobody had yet
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// release lets x serve the next request. Nobody else holds it.
func (x *exchange) release() {
	x.rt, x.host, x.trace, x.req, x.resp, x.body = nil, nil, nil, nil, nil, nil
	x.server = netip.AddrPort{}
	x.ended = atomic.Bool{}
	exchanges.Put(x)
}

// failed takes note that no answer came.
func (x *exchange) failed(err error) {
	var s sight
	if x.trace != nil {
		s = x.trace.retire(false)
	} else {
		s = x.host.unseen(err)
	}
	outcome := classifyRequest(x.req.Context(), err, s.at)
	x.server = s.server
	if a, ok := dialled(err); ok && !s.proxied {
		x.server = a // of several addresses, the one that the error is about
	}
	if outcome != report.Abandoned {
		x.host.suspect()
	}
	x.end(outcome, s.conn)
	x.release()
}

// answered takes note of an answer's head, and waits for its body if there is one.
func (x *exchange) answered(resp *http.Response) {
	x.resp, x.outcome = resp, statusOutcome(resp)
	if t := x.trace; t != nil {
		if resp.Request == &t.watched {
			resp.Request = x.req
		}
		s := t.retire(resp.ProtoMajor == 1)
		x.host.saw(s, resp, x.rt.direct, x.start)
		x.server = s.server
		if s.proxied && resp.StatusCode == http.StatusProxyAuthRequired {
			x.outcome = report.ProxyAuthRequested
		}
	} else {
		x.server = x.host.answers(resp)
	}
	if unwatched(x.req, resp) {
		x.end(x.outcome, nil)
		x.release()
		return
	}
	x.body = resp.Body
	resp.Body = x.hold()
}

// unwatched reports whether an answer has no body, or one that must stay what it is: a connection
// that now speaks another protocol.
func unwatched(req *http.Request, resp *http.Response) bool {
	if resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		return true
	}
	if req.Method != http.MethodConnect {
		return false
	}
	_, ok := resp.Body.(io.Writer)
	return ok
}

// end observes the request, once. conn is what it went out on, of a failure that got no answer.
func (x *exchange) end(outcome report.Outcome, conn net.Conn) {
	if x.ended.Load() || x.ended.Swap(true) { // most bodies are closed after they have ended
		return
	}
	u, start := x.req.URL, x.rt.made.Add(x.start)
	var status uint16
	var spoken string
	if x.resp != nil {
		status, spoken = uint16(min(max(x.resp.StatusCode, 0), report.MaxStatus)), alpn(x.resp)
	}
	if outcome == report.OK {
		x.rt.agent.Observe(agent.Observation{
			Scheme: u.Scheme, Host: u.Host, Outcome: report.OK, Protocol: spoken, Server: x.server, Status: status,
			Flags: flags(x.req.Context()), Start: start,
		})
		return
	}
	o := agent.Observation{
		Scheme: u.Scheme, Host: u.Host, Outcome: outcome, Protocol: spoken, Server: x.server, Status: status,
		Flags: flags(x.req.Context()), Start: start,
	}
	x.detail(&o, conn)
	x.rt.agent.Observe(o)
}

// detail adds what only a failure is asked for.
func (x *exchange) detail(o *agent.Observation, conn net.Conn) {
	if conn != nil {
		o.Protocol = connProtocol(conn)
	}
	u := x.req.URL
	// without user and query, which nobody may see
	o.URL = u.Scheme + "://" + u.Host + u.EscapedPath()
	now := time.Now()
	o.Elapsed = now.Sub(o.Start)
	// whose wall clock is right even if the machine has slept since rt.made
	o.Start = now.Add(-o.Elapsed)
	if o.Method = x.req.Method; o.Method == "" {
		o.Method = http.MethodGet
	}
	o.TraceID = traceID(x.req.Header.Get("Traceparent"))
	if x.rt.networkChanged(o.Start, now) {
		o.Flags |= report.FlagNetworkChanged
	}
}

// alpn is the ALPN id of an answer's protocol.
func alpn(resp *http.Response) string {
	switch resp.ProtoMajor {
	case 1:
		if resp.ProtoMinor == 0 {
			return "http/1.0"
		}
		return "http/1.1"
	case 2:
		return "h2"
	case 3:
		return "h3"
	default:
		return ""
	}
}

// connProtocol is the ALPN id of what was spoken on a connection on which no answer came.
func connProtocol(conn net.Conn) string {
	if c, ok := conn.(*tls.Conn); ok {
		if p := c.ConnectionState().NegotiatedProtocol; p != "" {
			return p
		}
	}
	return "http/1.1"
}

// traceID reads the trace id of a traceparent header (W3C Trace Context, section 3.2.2); all zero
// if there is none.
func traceID(h string) (id [16]byte) {
	const version, digits = len("00-"), 2 * len(id)
	if len(h) < version+digits+1 || h[version-1] != '-' || h[version+digits] != '-' {
		return id
	}
	if _, err := hex.Decode(id[:], []byte(h[version:version+digits])); err != nil {
		return [16]byte{}
	}
	return id
}
