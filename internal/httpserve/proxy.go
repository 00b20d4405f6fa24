package httpserve

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// proxyHeaderTimeout is how long a proxy may take to send its header; shorter in tests.
var proxyHeaderTimeout = 5 * time.Second

// proxied is a listener that takes the header of the PROXY protocol, version 1 or 2, from proxies:
// they must send it, and it says who the peer of a connection is. Connections of others are taken
// as they are. What looks like such a header there is no TLS and no HTTP, and is refused as that.
func proxied(ln net.Listener, proxies []netip.Prefix, f failures) net.Listener {
	return &proxyListener{&proxyproto.Listener{
		Listener:          ln,
		ReadHeaderTimeout: proxyHeaderTimeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			addr := netaddr.Parse(o.Upstream.String())
			for _, p := range proxies {
				if p.Contains(addr) {
					return proxyproto.REQUIRE, nil
				}
			}
			return proxyproto.SKIP, nil
		},
		ValidateHeader: onlyTCP,
	}, f}
}

var errNoTCP = errors.New("proxyproto: the header names no peer of TCP")

// onlyTCP refuses what no proxy of TCP says. LOCAL is the proxy itself: it looks whether we live.
func onlyTCP(h *proxyproto.Header) error {
	if h.Command.IsLocal() || h.TransportProtocol == proxyproto.UNSPEC {
		return nil
	}
	if _, ok := h.SourceAddr.(*net.TCPAddr); !ok {
		return errNoTCP
	}
	return nil
}

// proxyListener counts the headers that are missing or malformed.
type proxyListener struct {
	*proxyproto.Listener
	failures failures
}

// Accept implements net.Listener. It does not wait for a header.
func (l *proxyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if p, ok := c.(*proxyproto.Conn); ok {
		return &proxyConn{Conn: p, failures: l.failures}, nil
	}
	return c, err
}

// proxyConn is a connection of a proxy.
type proxyConn struct {
	*proxyproto.Conn
	failures failures
	first    sync.Once
}

// Read implements net.Conn. The first one reads the header.
func (c *proxyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.first.Do(func() {
		switch {
		case err == nil || c.ProxyHeader() != nil:
		case errors.Is(err, proxyproto.ErrNoProxyProtocol):
			c.failures.count(failedProxyMissing)
		default:
			c.failures.count(failedProxyMalformed)
		}
	})
	return n, err
}
