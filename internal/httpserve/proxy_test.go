package httpserve

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// peers is a server that answers with the address that it sees.
type peers struct {
	*testing.T
	addr    string
	metrics *prometheus.Registry
	roots   *tls.Config // nil: plain HTTP
}

func newPeers(t *testing.T, secure bool, proxies ...string) *peers {
	p := &peers{T: t, metrics: prometheus.NewRegistry()}
	o := Options{Name: "test", Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), Metrics: p.metrics,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })}
	for _, text := range proxies {
		o.Proxies = append(o.Proxies, netip.MustParsePrefix(text))
	}
	if secure {
		o.TLS, p.roots = certificate(t)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	p.addr = s.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

// dial connects from one of this machine's addresses.
func (p *peers) dial(from string) net.Conn {
	p.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	c, err := d.DialContext(p.Context(), "tcp", p.addr)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// ask sends a header and then a request from an address. It returns the status and the body of the
// answer, or 0 if there is none.
func (p *peers) ask(from string, header []byte) (status int, body string) {
	p.Helper()
	c := p.dial(from)
	if _, err := c.Write(header); err != nil {
		return 0, err.Error()
	}
	if p.roots != nil {
		secured := tls.Client(c, p.roots)
		if err := secured.HandshakeContext(p.Context()); err != nil {
			return 0, err.Error()
		}
		c = secured
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"); err != nil {
		return 0, err.Error()
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(b)
}

// failed waits until the counter for a reason reaches want.
func (p *peers) failed(reason string, want float64) {
	p.Helper()
	got := -1.
	for range 500 {
		families, err := p.metrics.Gather()
		if err != nil {
			p.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if l.GetName() == "reason" && l.GetValue() == reason {
						got = m.GetCounter().GetValue()
					}
				}
			}
		}
		if got >= want {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got != want {
		p.Errorf("%s is %v, want %v", reason, got, want)
	}
}

// certificate returns the configurations of a server and of a client that trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	ca, err := devca.New("test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.Issue(time.Now().Add(time.Hour), "test")
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{c}}, &tls.Config{RootCAs: ca.Pool(), ServerName: "test"}
}

// header returns a header of the PROXY protocol that names a client.
func header(t *testing.T, version byte, family proxyproto.AddressFamilyAndProtocol, client, server string) []byte {
	var b bytes.Buffer
	h := &proxyproto.Header{Version: version, Command: proxyproto.PROXY, TransportProtocol: family,
		SourceAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(client)), DestinationAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(server))}
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	listed   = "127.0.0.2"
	unlisted = "127.0.0.3"
)

func TestProxyProtocol(t *testing.T) {
	v1 := header(t, 1, proxyproto.TCPv4, "192.0.2.7:1234", "198.51.100.1:443")
	v2 := header(t, 2, proxyproto.TCPv4, "192.0.2.8:1234", "198.51.100.1:443")
	v6 := header(t, 2, proxyproto.TCPv6, "[2001:db8::7]:1234", "[2001:db8::1]:443")
	local := append(append([]byte{}, v2[:12]...), 0x20, 0, 0, 0)
	for _, secure := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "TLS"}[secure]
		t.Run(name, func(t *testing.T) {
			p := newPeers(t, secure, listed+"/32", "2001:db8::/32")
			for name, c := range map[string]struct {
				from   string
				header []byte
				peer   string
			}{
				"version 1":           {listed, v1, "192.0.2.7:1234"},
				"version 2":           {listed, v2, "192.0.2.8:1234"},
				"version 2, IPv6":     {listed, v6, "[2001:db8::7]:1234"},
				"version 1, unknown":  {listed, []byte("PROXY UNKNOWN\r\n"), listed + ":"},
				"the proxy itself":    {listed, local, listed + ":"},
				"without, not listed": {unlisted, nil, unlisted + ":"},
			} {
				if status, body := p.ask(c.from, c.header); status != 200 || !strings.HasPrefix(body, c.peer) {
					t.Errorf("%s: %d %q, want the peer %s", name, status, body, c.peer)
				}
			}
			for name, c := range map[string]struct {
				from   string
				header []byte
			}{
				"missing":                {listed, nil},
				"cut version 1":          {listed, []byte("PROXY TCP4 192.0.2.7\r\n")},
				"no end":                 {listed, []byte("PROXY TCP4 " + strings.Repeat("1", 200))},
				"no version":             {listed, append(append([]byte{}, v2[:12]...), 0x31, 0x11, 0, 12)},
				"too long":               {listed, append(append([]byte{}, v2[:14]...), append([]byte{0xff, 0xff}, make([]byte, 1<<16)...)...)},
				"no addresses":           {listed, append(append([]byte{}, v2[:12]...), 0x21, 0x11, 0, 3, 1, 2, 3)},
				"of datagrams":           {listed, append(append([]byte{}, v2[:13]...), append([]byte{0x12}, v2[14:]...)...)},
				"version 1, not listed":  {unlisted, v1},
				"version 2, not listed":  {unlisted, v2},
				"twice":                  {listed, append(append([]byte{}, v1...), v1...)},
				"version 1 in version 2": {listed, append(append([]byte{}, v2...), v1...)},
			} {
				if status, body := p.ask(c.from, c.header); status == 200 {
					t.Errorf("%s: accepted, peer %s", name, body)
				}
			}
			p.failed(failedProxyMissing, 1)
			p.failed(failedProxyMalformed, 6)
			if secure {
				p.failed(failedNotTLS, 4)
			} else {
				p.failed(failedNotHTTP, 4)
			}
		})
	}
}

// A proxy that does not send its header in time delays nobody, and its connection is closed.
func TestSlowProxyHeader(t *testing.T) {
	defer func(old time.Duration) { proxyHeaderTimeout = old }(proxyHeaderTimeout)
	proxyHeaderTimeout = time.Second
	p := newPeers(t, false, listed+"/32")
	slow := p.dial(listed)
	if _, err := io.WriteString(slow, "PROXY TCP4 192."); err != nil {
		t.Fatal(err)
	}
	silent := p.dial(listed)
	if status, body := p.ask(listed, []byte("PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n")); status != 200 || body != "192.0.2.7:1234" {
		t.Errorf("beside slow ones: %d %q", status, body)
	}
	for name, c := range map[string]net.Conn{"slow": slow, "silent": silent} {
		if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %q, %v; want the connection's end", name, b, err)
		}
	}
}

// Connections without a request are counted by reason.
func TestFailedConnections(t *testing.T) {
	secure, plain := newPeers(t, true), newPeers(t, false)
	send := func(p *peers, text string) {
		c := p.dial(unlisted)
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	for _, garbage := range []string{"SSH-2.0-OpenSSH_9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET", "GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n"} {
		send(plain, garbage)
	}
	plain.failed(failedNotHTTP, 4)
	send(plain, "") // as a port scanner does
	if status, _ := plain.ask(unlisted, nil); status != 200 {
		t.Errorf("status %d", status)
	}
	plain.failed(failedNotHTTP, 4)

	send(secure, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	send(secure, "SSH-2.0-OpenSSH_9.9\r\n")
	secure.failed(failedNotTLS, 2)
	send(secure, "")
	secure.failed(failedTLSClosed, 1)
	handshake := func(change func(*tls.Config)) {
		config := secure.roots.Clone()
		change(config)
		c := tls.Client(secure.dial(unlisted), config)
		if c.HandshakeContext(t.Context()) == nil {
			_, _ = c.Read(make([]byte, 1))
		}
		_ = c.Close()
	}
	handshake(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	secure.failed(failedTLSVersion, 1)
	handshake(func(c *tls.Config) { c.ServerName = "elsewhere" })
	secure.failed(failedTLSRefused, 1)
}
