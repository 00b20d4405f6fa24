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

// proxyHeaderTimeout is how long a proxy may take to send its header. It is shorter in tests.
var proxyHeaderTimeout = 5 * time.Second

// proxied returns a listener that expects the header of the PROXY protocol, version 1 or 2, on
// connections from proxies. A proxy must send the header, which names the peer of the connection.
// On connections from others, such a header is neither TLS nor HTTP and is refused as such.
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

// onlyTCP refuses a header that does not name a TCP peer, except LOCAL, with which a proxy checks
// the server's health.
func onlyTCP(h *proxyproto.Header) error {
	if h.Command.IsLocal() || h.TransportProtocol == proxyproto.UNSPEC {
		return nil
	}
	if _, ok := h.SourceAddr.(*net.TCPAddr); !ok {
		return errNoTCP
	}
	return nil
}

// proxyListener counts missing and malformed headers.
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

// proxyConn is a connection from a proxy.
type proxyConn struct {
	*proxyproto.Conn
	failures failures
	first    sync.Once
}

// Read implements net.Conn. The first call reads the header.
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
