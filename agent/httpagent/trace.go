package httpagent

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/agent"
)

// trace is a request that goes out with httptrace's hooks. It is at once the request and that
// request's context. It belongs to one request only: net/http looks into contexts, and may look
// into requests, after their answers have ended.
type trace struct {
	context.Context              // of the application's request
	watched         http.Request // the application's, with another context
	direct          bool         // the next RoundTripper is an http.Transport
	agent           *agent.Agent
	nested          atomic.Bool           // a wrapper further in counts the request
	source          source                // its body, if that can fail
	hooks           atomic.Pointer[hooks] // nil until somebody asks for them, retired after the end

	mu sync.Mutex // hooks run on the transport's goroutines, even after the request has ended
	sight
}

// sight is what is known of a request's way.
type sight struct {
	asked   bool // hooks were asked for: whoever is underneath makes connections
	at      phase
	begun   int            // connections looked for
	kept    bool           // the latest of them was there before
	idle    bool           // and was waiting for a request
	proxied bool           // it does not lead to the request's own host
	server  netip.AddrPort // that is, or was, tried; invalid if proxied
	conn    net.Conn       // that the request went out on
}

// phase is how far a request has come.
type phase uint8

const (
	phaseStart   phase = iota // before anything, or an unknown transport
	phaseUnseen               // anywhere: the request was not traced
	phaseResolve              // resolving the name
	phaseConnect              // connecting
	phaseProxy                // resolving a proxy's name, or connecting to it
	phaseTunnel               // asking a proxy for a tunnel
	phaseTLS                  // shaking hands
	phaseSend                 // has a connection
	phaseHead                 // the answer has begun
)

// newTrace prepares the request that goes on instead of req.
func newTrace(req *http.Request, rt *roundTripper) *trace {
	t := &trace{Context: req.Context(), direct: rt.direct, agent: rt.agent}
	if httptrace.ContextClientTrace(t.Context) == nil {
		t.watched = *req.WithContext(t)
		return t
	}
	// the application has hooks of its own, which is rare
	h := newHooks(context.WithValue(t.Context, tracedKey{}, t))
	h.t.Store(t)
	t.hooks.Store(h)
	t.watched = *req.WithContext(h.ctx)
	return t
}

// begin is called for each connection that the transport looks for: it may do so again, after one
// that was kept for reuse turned out to be dead.
func (t *trace) begin(hostPort string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at, t.conn, t.kept, t.idle = phaseStart, nil, false, false
	t.begun++
	if t.proxied = !leadsTo(hostPort, t.watched.URL); t.proxied {
		t.server = netip.AddrPort{}
	}
}

// leadsTo reports whether hostPort, where a connection is wanted to, is u's own host. It is a
// proxy's else. Names in other scripts come translated into Punycode.
func leadsTo(hostPort string, u *url.URL) bool {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return false
	}
	want := u.Port()
	switch {
	case want != "":
	case u.Scheme == "https":
		want = "443"
	default:
		want = "80"
	}
	if port != want {
		return false
	}
	own := u.Hostname()
	for i := range len(own) {
		if own[i] >= 0x80 {
			return strings.Contains(host, "xn--")
		}
	}
	return strings.EqualFold(host, own)
}

// A connection that is still being made after the request got another one is none of the request's:
// conn tells.

func (t *trace) resolve() { t.reach(phaseResolve) }

func (t *trace) shakeHands() { t.reach(phaseTLS) }

func (t *trace) reach(at phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == nil {
		t.at = at
		if t.proxied && at == phaseResolve {
			t.at = phaseProxy
		}
	}
}

func (t *trace) connect(_, addr string) {
	server, err := netip.ParseAddrPort(addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		return
	}
	if t.at = phaseConnect; t.proxied {
		t.at = phaseProxy
	} else if err == nil {
		t.server = server
	}
}

// halfway is called when a connection stands, or its first handshake is done: what comes next is,
// of a proxy, the tunnel. After a handshake with the service itself, nothing comes that could fail.
func (t *trace) halfway(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == nil && t.proxied && err == nil {
		t.at = phaseTunnel
	}
}

func (t *trace) gotConn(info httptrace.GotConnInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at, t.conn, t.kept, t.idle = phaseSend, info.Conn, info.Reused, info.WasIdle
	if info.Conn == nil || t.proxied {
		return
	}
	if a, ok := info.Conn.RemoteAddr().(*net.TCPAddr); ok {
		t.server = a.AddrPort()
	}
}

func (t *trace) firstByte() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = phaseHead
}
