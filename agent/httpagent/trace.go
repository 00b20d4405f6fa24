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

	"github.com/heliograph-net/heliograph/report"
)

// trace is a request with httptrace's hooks. It contains both the request and the request's
// context. It is never reused, because net/http may use contexts and requests after their responses
// have ended.
type trace struct {
	context.Context              // the context of the application's request
	watched         http.Request // the application's request with another context
	rt              *roundTripper
	note            note                  // for an inner wrapper
	nested          atomic.Bool           // an inner wrapper counts the request
	hooks           atomic.Pointer[hooks] // nil until they are looked up, retired after the end

	mu sync.Mutex // hooks run on the transport's goroutines, even after the request has ended
	sight
}

// sight is what hooks have observed.
type sight struct {
	asked   bool // hooks were looked up, so the base makes connections
	at      phase
	begun   int32          // how often a connection was looked for
	kept    bool           // the last one is a reused connection
	idle    bool           // and was idle
	proxied bool           // it does not go to the request's own host
	server  netip.AddrPort // the last server that was tried; invalid if proxied
	conn    net.Conn       // the connection that was used
}

// phase is how far a request has got.
type phase uint8

const (
	phaseStart   phase = iota // nothing has happened, or the transport is unknown
	phaseUnseen               // unknown: the request was not traced
	phaseResolve              // resolving the name
	phaseConnect              // connecting
	phaseProxy                // resolving a proxy's name, or connecting to it
	phaseTunnel               // asking a proxy for a tunnel
	phaseTLS                  // shaking hands
	phaseSend                 // has a connection
	phaseHead                 // the answer has begun
)

// newTrace returns a trace whose request is sent instead of req, which has these flags.
func newTrace(req *http.Request, flags report.Flags, rt *roundTripper) *trace {
	t := &trace{Context: req.Context(), rt: rt}
	t.note = note{flags: flags, outer: t}
	if httptrace.ContextClientTrace(t.Context) == nil {
		t.watched = *req.WithContext(t)
		return t
	}
	// the application has hooks of its own, which is rare
	h := newHooks(context.WithValue(t.Context, noteKey{}, &t.note))
	h.t.Store(t)
	t.hooks.Store(h)
	t.watched = *req.WithContext(h.ctx)
	return t
}

// begin is called each time that the transport looks for a connection. It does so again if a reused
// connection turns out to be dead.
func (t *trace) begin(hostPort string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at, t.conn, t.kept, t.idle = phaseStart, nil, false, false
	t.begun++
	if t.proxied = !leadsTo(hostPort, t.watched.URL); t.proxied {
		t.server = netip.AddrPort{}
	}
}

// leadsTo reports whether hostPort, to which a connection is wanted, is u's own host. Otherwise it
// is a proxy. Internationalized names are given in Punycode.
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

// A connection that is still being made after the request got another one is not the request's.
// conn shows which one is.

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

// halfway is called when a connection is established and when its first handshake is done. With a
// proxy, the tunnel follows. After a handshake with the service itself, no further step can fail.
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
