package httpagent

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// exchange is one request under observation. Exchanges are reused, because most requests succeed
// and must not cost allocations. See body.go for what may still refer to one.
type exchange struct {
	rt     *roundTripper
	host   *host
	trace  *trace  // nil: the request is sent without hooks
	source *source // its body; nil: it cannot fail
	asked  asked
	head   head          // head of the response; zero until it has arrived
	start  time.Duration // when it began, since rt.made

	// seen is what is observed, as far as it is known. It is filled here step by step, because
	// copying an Observation costs as much as counting it. After the head of the response its
	// Outcome is the one that it has if the response's body arrives completely.
	seen agent.Observation

	handles *handles // of the responses' bodies; nil: none yet
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// asked is what only the report of a failure says about a request. It is read when the request
// begins, because the application may reuse the request while another goroutine reads the
// response's body.
type asked struct {
	ctx             context.Context
	path, pathAsked string // see url.URL for the two
	traceparent     string
}

func (a *asked) read(req *http.Request) {
	u := req.URL
	a.ctx, a.path, a.pathAsked = req.Context(), u.Path, u.RawPath
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

// head is what the failure of a response's body depends on. It is read before the application gets
// the response, because the application may change it.
type head struct {
	length  int64 // of the body; -1: unknown
	major   uint8 // of the protocol's version
	chunked bool
}

func (h *head) read(resp *http.Response) {
	h.length, h.major = resp.ContentLength, uint8(min(max(resp.ProtoMajor, 0), 9))
	h.chunked = len(resp.TransferEncoding) > 0 && slices.Contains(resp.TransferEncoding, "chunked")
}

// release makes x available for the next request. Nothing else refers to it.
func (x *exchange) release() {
	x.rt, x.host, x.trace, x.source = nil, nil, nil, nil
	// the strings stay until the next request or the next garbage collection
	x.asked.ctx, x.head = nil, head{}
	x.seen.Server, x.seen.Status, x.seen.Protocol = netip.AddrPort{}, 0, ""
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
	x.seen.Server = s.server
	if a, ok := dialled(err); ok && !s.proxied {
		x.seen.Server = a // if there are several addresses, the one that the error is about
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
	x.seen.Status = uint16(min(max(resp.StatusCode, 0), report.MaxStatus))
	x.seen.Protocol = alpn(resp)
	x.seen.Elapsed = max(time.Since(x.rt.made)-x.start, 1) // 0 would be unknown
	x.seen.Outcome = statusOutcome(resp)
	if t := x.trace; t != nil {
		s := t.retire(resp.ProtoMajor == 1)
		x.host.saw(s, resp, x.rt.direct, x.start)
		x.seen.Server = s.server
		if s.proxied && resp.StatusCode == http.StatusProxyAuthRequired {
			x.seen.Outcome = report.ProxyAuthRequested
		}
	} else {
		x.seen.Server = x.host.answers(resp)
	}
	switch {
	case x.counted():
		x.host.suspect()
	case mayLoop(resp):
		x.rt.expect(resp, x.detailed(nil))
	case x.seen.Outcome != report.OK, unwatched(req, resp):
		x.end(x.seen.Outcome, nil)
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

// end observes the request. If there was no response, conn is the connection that was used.
func (x *exchange) end(outcome report.Outcome, conn net.Conn) {
	x.seen.Outcome = outcome
	if outcome == report.OK {
		x.rt.agent.ObserveRef(&x.seen, x.rt.made, x.start)
		return
	}
	x.rt.agent.Observe(x.detailed(conn))
}

// detailed returns the observation with the details that only a failure needs.
func (x *exchange) detailed(conn net.Conn) agent.Observation {
	o := x.seen
	if conn != nil {
		o.Protocol = connProtocol(conn)
	}
	o.URL = x.url()
	now := time.Now()
	o.Elapsed = max(now.Sub(x.rt.made.Add(x.start)), 1)
	// the wall clock of now is right even if the machine has slept since rt.made
	o.Start = now.Add(-o.Elapsed)
	if o.Method == "" {
		o.Method = http.MethodGet
	}
	o.TraceID = agent.TraceIDOf(x.asked.traceparent)
	if x.rt.networkChanged(o.Start, now) {
		o.Flags |= report.FlagNetworkChanged
	}
	return o
}

// alpn returns the ALPN id of a response's protocol, or "" if it has none.
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

// connProtocol returns the ALPN id of the protocol on a connection without a response.
func connProtocol(conn net.Conn) string {
	if c, ok := conn.(*tls.Conn); ok {
		if p := c.ConnectionState().NegotiatedProtocol; p != "" {
			return p
		}
	}
	return "http/1.1"
}
