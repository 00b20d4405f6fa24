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

// This file decides which requests have hooks. Hooks cost an allocation, because a request with
// hooks must be a copy. They tell how far a request without a response got, and from which address
// a response came. The former matters only for requests that open a connection; once there is one,
// the error says enough. The latter is known without hooks if the connection of a response can be
// identified and earlier hooks have told its address. So a request is sent without hooks only if
//   - the latest 16 traced requests to its host all succeeded over connections that were there
//     before, so that this one will, too,
//   - one of them not longer than a second ago, so that a client with few requests always has the
//     whole truth, and
//   - an answer itself tells its connection: by the connection's state of TLS, which all its
//     answers share (http.Response.TLS), or because the host is an address, reached directly,
//     without TLS. Answers from RoundTrippers that never ask for hooks come from no address.
//
// A failed request ends this, and so does a response on a connection that no hooks have seen. That
// response counts without a server.
const (
	calmAfter = 16
	calmFor   = time.Second
	maxHosts  = 64 // hosts that are remembered; beyond that, all are forgotten
	maxConns  = 16 // connections of a host
)

// hosts has the hosts of requests.
type hosts struct {
	latest atomic.Pointer[host] // most requests go to the same host as the one before

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
		key := hostKey{"https", strings.Clone(u.Host)} // a constant compares faster with itself
		if u.Scheme != key.scheme {
			key.scheme = strings.Clone(u.Scheme)
		}
		h = &host{key: key, address: address(u)}
		hs.m[key] = h
	}
	hs.latest.Store(h)
	return h
}

// address returns the address in an http URL whose host is an address, and an invalid one for
// other URLs.
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

// host is what is known about a host.
type host struct {
	key     hostKey
	address netip.AddrPort // the URL's address; invalid if the URL has a name or uses TLS
	asked   atomic.Bool    // hooks were looked up at least once, so the transport makes connections
	streak  atomic.Int32   // consecutive traced requests that were as expected
	until   atomic.Int64   // until when requests are sent without hooks, in the roundTripper's time

	mu    sync.Mutex // locked while conns is replaced
	conns atomic.Pointer[[]conn]
}

// conn is a connection with TLS and its peer's address.
type conn struct {
	// the state in its responses; kept so that its memory address is not reused
	state  *tls.ConnectionState
	server netip.AddrPort
}

// calm reports whether a request at now is sent without hooks.
func (h *host) calm(now time.Duration) bool { return int64(now) < h.until.Load() }

// suspect makes the next requests traced.
func (h *host) suspect() {
	h.streak.Store(0)
	h.until.Store(0)
}

// saw records a traced request that began at now and was answered by resp.
func (h *host) saw(s sight, resp *http.Response, direct bool, now time.Duration) {
	if !h.expected(s, resp, direct) {
		h.suspect()
		return
	}
	if h.streak.Add(1) >= calmAfter {
		h.until.Store(int64(now + calmFor))
	}
}

// expected reports whether the request would have been understood as well without hooks.
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

// learn records the peer of the connection with this state, as observed in a request that was
// answered on it. It returns false if there is a contradiction: if the state does not belong to
// that connection, or belonged to another peer before. That can happen with RoundTrippers other
// than net/http's.
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

// sharesPeer reports whether state belongs to a handshake like c's.
func sharesPeer(c net.Conn, state *tls.ConnectionState) bool {
	secure, ok := c.(interface{ ConnectionState() tls.ConnectionState })
	if !ok || len(state.PeerCertificates) == 0 {
		return false
	}
	peers := secure.ConnectionState().PeerCertificates
	return len(peers) > 0 && peers[0] == state.PeerCertificates[0]
}

// leads returns the peer of the connection with this state.
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

// answers returns the server that answered a request without hooks, or an invalid address if it
// is unknown.
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

// unseen returns what is known about a request without hooks that failed with err.
func (h *host) unseen(err error) sight {
	switch {
	case !h.asked.Load():
		return sight{}
	case !h.address.IsValid():
		return sight{at: phaseUnseen, server: h.spokeTo(err)}
	// without a name, a proxy and TLS, only a response can end like this
	case errors.Is(err, io.ErrUnexpectedEOF):
		return sight{at: phaseHead, server: h.address}
	default:
		return sight{at: phaseSend, server: h.address}
	}
}

// spokeTo returns the server that is named in err, an error of reading or writing. It may be a new
// proxy, so only known servers are accepted.
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
