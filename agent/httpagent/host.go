package httpagent

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Which requests carry hooks. Hooks cost an allocation, since the request that carries them must be
// a copy, and tell two things: how far a request came that got no answer, and from which address an
// answer came. The first only matters for requests that open a connection: once there is one, the
// error says the rest. The second is known without hooks if it can be told which connection an
// answer came on, and hooks have told before where that leads. So a request goes out without
// hooks only if
//   - the latest 16 traced requests to its host all succeeded over connections that were there
//     before, so that this one will, too,
//   - one of them not longer than a second ago, so that a client with few requests always has the
//     whole truth, and
//   - an answer itself tells its connection: by the connection's state of TLS, which all its
//     answers share (http.Response.TLS), or because the host is an address, reached directly,
//     without TLS. Answers from RoundTrippers that never ask for hooks come from no address.
//
// A request that fails ends this, as does an answer on a connection that no hooks have seen; that
// answer counts without a server.
const (
	calmAfter = 16
	calmFor   = time.Second
	maxHosts  = 64 // that are remembered; then all are forgotten
	maxConns  = 16 // of a host
)

// hosts are those that requests went to.
type hosts struct {
	latest atomic.Pointer[host] // most requests go where the one before went

	mu sync.Mutex
	m  map[hostKey]*host
}

type hostKey struct{ scheme, name string }

// of returns u's host.
func (hs *hosts) of(u *url.URL) *host {
	if h := hs.latest.Load(); h != nil && h.key.name == u.Host && h.key.scheme == u.Scheme {
		return h
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.m[hostKey{u.Scheme, u.Host}]
	if h == nil {
		if hs.m == nil || len(hs.m) == maxHosts {
			hs.m = make(map[hostKey]*host)
		}
		key := hostKey{strings.Clone(u.Scheme), strings.Clone(u.Host)}
		h = &host{key: key, address: address(u)}
		hs.m[key] = h
	}
	hs.latest.Store(h)
	return h
}

// address is where an http URL leads whose host is an address, invalid for others.
func address(u *url.URL) netip.AddrPort {
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || u.Scheme != "http" {
		return netip.AddrPort{}
	}
	port := uint64(80)
	if p := u.Port(); p != "" {
		if port, err = strconv.ParseUint(p, 10, 16); err != nil {
			return netip.AddrPort{}
		}
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port))
}

// host is what is known of one.
type host struct {
	key     hostKey
	address netip.AddrPort // of the URL, without TLS; invalid: a name, or TLS
	asked   atomic.Bool    // hooks were asked for, ever: its answers come over connections
	streak  atomic.Int32   // traced requests in a row that were as expected
	until   atomic.Int64   // how long requests go out without hooks, in the roundTripper's time

	mu    sync.Mutex // held while conns is replaced
	conns atomic.Pointer[[]conn]
}

// conn is a connection with TLS, and where it leads.
type conn struct {
	state  *tls.ConnectionState // that its answers carry; kept, so that no other gets its address
	server netip.AddrPort
}

// calm reports whether a request at now goes out without hooks.
func (h *host) calm(now time.Duration) bool { return int64(now) < h.until.Load() }

// suspect has the next requests traced.
func (h *host) suspect() {
	h.streak.Store(0)
	h.until.Store(0)
}

// saw takes note of a traced request, which began at now and was answered by resp.
func (h *host) saw(s sight, resp *http.Response, direct bool, now time.Duration) {
	if !h.expected(s, resp, direct) {
		h.suspect()
		return
	}
	if h.streak.Add(1) >= calmAfter {
		h.until.Store(int64(now + calmFor))
	}
}

// expected reports whether a request without hooks would have told as much as s.
func (h *host) expected(s sight, resp *http.Response, direct bool) bool {
	if !s.asked {
		return !h.asked.Load()
	}
	h.asked.Store(true)
	if s.begun != 1 || s.proxied || !s.server.IsValid() {
		return false
	}
	if resp.TLS != nil {
		return h.learn(resp.TLS, s) && s.kept
	}
	return direct && s.kept && h.address.IsValid() && h.address == netip.AddrPortFrom(s.server.Addr().Unmap(), s.server.Port())
}

// learn remembers where the connection with this state leads, by the sight of a request that was
// answered there. It returns false if that cannot be: the state is none of that connection's, or
// had led elsewhere. Other RoundTrippers than net/http's may say what they like.
func (h *host) learn(state *tls.ConnectionState, s sight) bool {
	server := s.server
	if known, ok := h.leads(state); ok && known == server {
		return true
	}
	if !sharesPeer(s.conn, state) {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var conns []conn
	if old := h.conns.Load(); old != nil {
		conns = slices.Clone(*old)
	}
	n := len(conns)
	conns = slices.DeleteFunc(conns, func(c conn) bool { return c.state == state })
	same := len(conns) == n
	if same {
		conns = append(conns[max(0, n+1-maxConns):], conn{state, server})
	}
	h.conns.Store(&conns)
	return same
}

// sharesPeer reports whether state is of a handshake like conn's.
func sharesPeer(c net.Conn, state *tls.ConnectionState) bool {
	secure, ok := c.(interface{ ConnectionState() tls.ConnectionState })
	if !ok || len(state.PeerCertificates) == 0 {
		return false
	}
	peers := secure.ConnectionState().PeerCertificates
	return len(peers) > 0 && peers[0] == state.PeerCertificates[0]
}

// leads returns where the connection with this state leads.
func (h *host) leads(state *tls.ConnectionState) (netip.AddrPort, bool) {
	if conns := h.conns.Load(); conns != nil {
		for i := range *conns {
			if c := &(*conns)[i]; c.state == state {
				return c.server, true
			}
		}
	}
	return netip.AddrPort{}, false
}

// answers returns where the answer to a request without hooks came from, invalid if that is
// not known.
func (h *host) answers(resp *http.Response) (server netip.AddrPort) {
	switch {
	case !h.asked.Load():
		return server
	case resp.TLS == nil:
		return h.address
	}
	server, known := h.leads(resp.TLS)
	if !known {
		h.suspect()
	}
	return server
}

// unseen is what is known of a request without hooks that failed with err.
func (h *host) unseen(err error) sight {
	switch {
	case !h.asked.Load():
		return sight{}
	case !h.address.IsValid():
		return sight{at: phaseUnseen, server: h.spokeTo(err)}
	// without name, proxy and TLS there is nothing that ends so but an answer
	case errors.Is(err, io.ErrUnexpectedEOF):
		return sight{at: phaseHead, server: h.address}
	default:
		return sight{at: phaseSend, server: h.address}
	}
}

// spokeTo returns the server that err, of reading or writing, names. It may be a proxy's that was
// not there before: only those that are known are believed.
func (h *host) spokeTo(err error) netip.AddrPort {
	op, ok := errors.AsType[*net.OpError](err)
	conns := h.conns.Load()
	if !ok || conns == nil {
		return netip.AddrPort{}
	}
	a, ok := op.Addr.(*net.TCPAddr)
	if !ok || a == nil {
		return netip.AddrPort{}
	}
	for _, c := range *conns {
		if c.server == a.AddrPort() {
			return c.server
		}
	}
	return netip.AddrPort{}
}
