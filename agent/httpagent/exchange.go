package httpagent

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// exchange is one request under observation. Exchanges are reused, because most requests succeed
// and must not cost allocations. See body.go for what may still refer to one.
type exchange struct {
	rt      *roundTripper
	host    *host
	trace   *trace  // nil: the request is sent without hooks
	source  *source // its body; nil: it cannot fail
	asked   asked
	head    head           // head of the response; zero until it has arrived
	start   time.Duration  // when it began, since rt.made
	server  netip.AddrPort // the server that answered; invalid if unknown
	outcome report.Outcome // the outcome if the response's body arrives completely
	ended   atomic.Bool

	turn atomic.Uint64 // the turn of the handle that it serves now or next
	// number of goroutines in handle.Read, including late ones
	readers atomic.Int32
	spare   []handle // unused handles
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// asked is what a report says about a request apart from its host. It is read when the request
// begins, because the application may reuse the request while another goroutine reads the
// response's body.
type asked struct {
	ctx             context.Context
	method          string
	path, pathAsked string // see url.URL for the two
	traceparent     string
}

func (a *asked) read(req *http.Request) {
	u := req.URL
	a.ctx, a.method, a.path, a.pathAsked = req.Context(), req.Method, u.Path, u.RawPath
	a.traceparent = ""
	if v := req.Header["Traceparent"]; len(v) > 0 {
		a.traceparent = v[0]
	}
}

// url returns the request's URL without user and query, which must not be reported.
func (x *exchange) url() string {
	u := url.URL{Path: x.asked.path, RawPath: x.asked.pathAsked}
	return x.host.key.scheme + "://" + x.host.key.name + u.EscapedPath()
}

// head is what a report says about a response. It is read before the application gets the response,
// because the application may change it.
type head struct {
	length       int64 // of the body; -1: unknown
	status       uint16
	major, minor uint8 // of the protocol's version
	chunked      bool
}

func (h *head) read(resp *http.Response) {
	h.length, h.status = resp.ContentLength, uint16(min(max(resp.StatusCode, 0), report.MaxStatus))
	h.major, h.minor = uint8(min(max(resp.ProtoMajor, 0), 9)), uint8(min(max(resp.ProtoMinor, 0), 9))
	h.chunked = len(resp.TransferEncoding) > 0 && slices.Contains(resp.TransferEncoding, "chunked")
}

// release makes x available for the next request. Nothing else refers to it.
func (x *exchange) release() {
	x.rt, x.host, x.trace, x.source = nil, nil, nil, nil
	// the strings stay until the next request or the next garbage collection
	x.asked.ctx, x.head = nil, head{}
	x.server = netip.AddrPort{}
	x.ended = atomic.Bool{}
	exchanges.Put(x)
}

// failed records that there was no response.
func (x *exchange) failed(err error) {
	var s sight
	if x.trace != nil {
		s = x.trace.retire(false)
	} else {
		s = x.host.unseen(err)
	}
	if x.counted() {
		x.host.suspect()
		x.release()
		return
	}
	outcome := report.Abandoned
	if !x.source.broken() {
		outcome = classifyRequest(x.asked.ctx, err, s.at)
	}
	x.server = s.server
	if a, ok := dialled(err); ok && !s.proxied {
		x.server = a // if there are several addresses, the one that the error is about
	}
	if outcome != report.Abandoned {
		x.host.suspect()
	}
	x.end(outcome, s.conn)
	x.release()
}

// answered records the head of a response. It waits for the body if the outcome depends on it.
func (x *exchange) answered(req *http.Request, resp *http.Response) {
	x.head.read(resp)
	x.outcome = statusOutcome(resp)
	if t := x.trace; t != nil {
		s := t.retire(resp.ProtoMajor == 1)
		x.host.saw(s, resp, x.rt.direct, x.start)
		x.server = s.server
		if s.proxied && resp.StatusCode == http.StatusProxyAuthRequired {
			x.outcome = report.ProxyAuthRequested
		}
	} else {
		x.server = x.host.answers(resp)
	}
	switch {
	case x.counted():
		x.host.suspect()
	case mayLoop(resp):
		o := x.observation(x.outcome)
		x.detail(&o, nil)
		x.rt.expect(resp, o)
	case x.outcome != report.OK, unwatched(req, resp):
		x.end(x.outcome, nil)
	default:
		resp.Body = x.hold(resp.Body)
		return
	}
	x.release()
}

// unwatched reports whether a response has no body, or a body that must not be wrapped because it
// is a connection that now uses another protocol.
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

// end observes the request, once. If there was no response, conn is the connection that was used.
func (x *exchange) end(outcome report.Outcome, conn net.Conn) {
	// checked first, because most bodies are closed after they have ended
	if x.ended.Load() || x.ended.Swap(true) {
		return
	}
	if outcome == report.OK {
		x.rt.agent.Observe(x.observation(outcome))
		return
	}
	o := x.observation(outcome)
	x.detail(&o, conn)
	x.rt.agent.Observe(o)
}

// observation returns the request without details.
func (x *exchange) observation(outcome report.Outcome) agent.Observation {
	return agent.Observation{
		Scheme: x.host.key.scheme, Host: x.host.key.name, Outcome: outcome, Protocol: x.head.alpn(), Server: x.server,
		Status: x.head.status, Flags: flags(x.asked.ctx), Start: x.rt.made.Add(x.start),
	}
}

// detail adds the details that only a failure needs.
func (x *exchange) detail(o *agent.Observation, conn net.Conn) {
	if conn != nil {
		o.Protocol = connProtocol(conn)
	}
	o.URL = x.url()
	now := time.Now()
	o.Elapsed = now.Sub(o.Start)
	// the wall clock of now is right even if the machine has slept since rt.made
	o.Start = now.Add(-o.Elapsed)
	if o.Method = x.asked.method; o.Method == "" {
		o.Method = http.MethodGet
	}
	o.TraceID = traceID(x.asked.traceparent)
	if x.rt.networkChanged(o.Start, now) {
		o.Flags |= report.FlagNetworkChanged
	}
}

// alpn returns the ALPN id of the response's protocol, or "" if there is no response.
func (h *head) alpn() string {
	switch h.major {
	case 1:
		if h.minor == 0 {
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

// connProtocol returns the ALPN id of the protocol on a connection without a response.
func connProtocol(conn net.Conn) string {
	if c, ok := conn.(*tls.Conn); ok {
		if p := c.ConnectionState().NegotiatedProtocol; p != "" {
			return p
		}
	}
	return "http/1.1"
}

// traceID returns the trace id in a traceparent header (W3C Trace Context, section 3.2.2), or zeros
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
