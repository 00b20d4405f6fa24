package httpagent

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// exchange is one request under observation. It is at once the request that goes on, that request's context and the answer's body,
// because most requests succeed, and then every allocation is one too many.
type exchange struct {
	context.Context              // of the application's request
	watched         http.Request // req, with another context
	agent           *agent.Agent
	req             *http.Request
	resp            *http.Response // nil until its head is there; written before anybody sees the body
	start           time.Time
	body            io.ReadCloser  // of the answer
	outcome         report.Outcome // of the answer, if its body arrives whole
	ended           atomic.Bool
	hooks           atomic.Pointer[hooks] // nil until somebody asks for them, retired after the end
	direct          bool                  // the next RoundTripper is an http.Transport

	mu     sync.Mutex // hooks run on the transport's goroutines, even after the request has ended
	at     phase
	begun  int            // connections looked for
	idle   bool           // the latest of them was waiting for a request
	server netip.AddrPort // that is, or was, tried
	conn   net.Conn       // that the request went out on
}

// phase is how far a request has come.
type phase uint8

const (
	phaseStart   phase = iota // before anything, or an unknown transport
	phaseResolve              // resolving the name
	phaseConnect              // connecting
	phaseTLS                  // shaking hands
	phaseSend                 // has a connection
	phaseHead                 // the answer has begun
)

// begin is called for each connection that the transport looks for: it may do so again, after one that was kept for reuse turned out
// to be dead.
func (x *exchange) begin(string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at, x.conn, x.idle = phaseStart, nil, false
	x.begun++
}

// A connection that is still being made after the request got another one is none of the request's: conn tells.

func (x *exchange) resolve() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn == nil {
		x.at = phaseResolve
	}
}

func (x *exchange) connect(_, addr string) {
	server, err := netip.ParseAddrPort(addr)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn == nil {
		x.at = phaseConnect
		if err == nil {
			x.server = server
		}
	}
}

func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at, x.conn, x.idle = phaseSend, info.Conn, info.WasIdle
	if info.Conn == nil {
		return
	}
	if a, ok := info.Conn.RemoteAddr().(*net.TCPAddr); ok {
		x.server = a.AddrPort()
	}
}

func (x *exchange) shakeHands() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.conn == nil {
		x.at = phaseTLS
	}
}

func (x *exchange) firstByte() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.at = phaseHead
}

func (x *exchange) phase() phase {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.at
}

// end observes the request, once.
func (x *exchange) end(outcome report.Outcome, failed error) {
	if x.ended.Load() || x.ended.Swap(true) { // most bodies are closed after they have ended
		return
	}
	server, conn := x.retire()
	u := x.req.URL
	o := agent.Observation{
		Scheme: u.Scheme, Host: u.Host, Outcome: outcome, Server: server,
		Flags: flags(x.req.Context()), Start: x.start,
	}
	if x.resp != nil {
		o.Status, o.Protocol = uint16(min(max(x.resp.StatusCode, 0), report.MaxStatus)), protocol(x.resp)
	}
	if outcome != report.OK {
		x.detail(&o, conn, failed)
	}
	x.agent.Observe(o)
}

// detail adds what only a failure is asked for.
func (x *exchange) detail(o *agent.Observation, conn net.Conn, failed error) {
	if a, ok := dialled(failed); ok {
		o.Server = a // of several addresses, the one that the error is about
	}
	if x.resp == nil && conn != nil {
		o.Protocol = connProtocol(conn)
	}
	u := x.req.URL
	o.URL = u.Scheme + "://" + u.Host + u.EscapedPath() // without user and query, which nobody may see
	o.Elapsed = time.Since(x.start)
	if o.Method = x.req.Method; o.Method == "" {
		o.Method = http.MethodGet
	}
	o.TraceID = traceID(x.req.Header.Get("Traceparent"))
}

// protocol is the ALPN id of an answer's protocol.
func protocol(resp *http.Response) string {
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

// traceID reads the trace id of a traceparent header (W3C Trace Context, section 3.2.2); all zero if there is none.
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
