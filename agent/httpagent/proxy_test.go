package httpagent_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// proxied is a fault on the way through a proxy.
type proxied struct {
	name   string
	want   report.Outcome
	status uint16
	proxy  func(t *testing.T, a *authority, service string) (url string)
	secure bool // the service speaks TLS, so that a tunnel is needed
	expire bool // the service's certificate is not valid
	fail   func(net.Conn)
	client func(*http.Transport)
	limit  time.Duration // the caller's
}

// listening is a proxy whose connections are handed to handle.
func listening(scheme string, handle func(c net.Conn, service string)) func(*testing.T, *authority, string) string {
	return func(t *testing.T, _ *authority, service string) string {
		return scheme + "://" + serve(t, func(c net.Conn) { handle(c, service) })
	}
}

// overTLS is a proxy that is spoken to over TLS, with a certificate after change.
func overTLS(change func(*x509.Certificate), handle func(c net.Conn, service string)) func(*testing.T, *authority, string) string {
	return func(t *testing.T, a *authority, service string) string {
		config := &tls.Config{Certificates: []tls.Certificate{a.certificate(t, change)}}
		return "https://" + serveTLS(t, config, func(c net.Conn) { handle(c, service) })
	}
}

// answering is a proxy that answers every request with text.
func answering(text string) func(net.Conn, string) {
	return func(c net.Conn, _ string) { say(text)(c) }
}

// forward is a proxy that works.
func forward(c net.Conn, service string) {
	r := bufio.NewReader(c)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	up, err := net.Dial("tcp", service)
	if err != nil {
		_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		_ = c.Close()
		return
	}
	if req.Method == http.MethodConnect {
		_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	} else {
		_ = req.Write(up)
	}
	splice(c, r, up)
}

// splice joins two connections until either ends, the way it ends.
func splice(c net.Conn, in io.Reader, up net.Conn) {
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(up, in); _ = up.Close() }()
	_, err := io.Copy(c, up)
	if err != nil {
		reset(c)
	}
	_ = c.Close()
	<-done
}

// socks is a SOCKS5 proxy (RFC 1928) without authentication that answers a request with reply, and
// if that is 0 does its work.
func socks(reply byte) func(net.Conn, string) {
	return func(c net.Conn, service string) {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, c, int64(head[1]))
		if reply == socksNoMethod {
			_, _ = c.Write([]byte{5, socksNoMethod})
			_ = c.Close()
			return
		}
		_, _ = c.Write([]byte{5, 0})
		readSome(c)
		if reply == socksSilence {
			_ = c.Close()
			return
		}
		_, _ = c.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
		if reply != 0 {
			_ = c.Close()
			return
		}
		up, err := net.Dial("tcp", service)
		if err != nil {
			reset(c)
			return
		}
		splice(c, c, up)
	}
}

const (
	socksNoMethod = 0xff
	socksSilence  = 0xfe
)

func proxyFaults() []proxied {
	closed := func(t *testing.T, _ *authority, _ string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close()
		return "http://" + l.Addr().String()
	}
	nameless := func(*testing.T, *authority, string) string { return "http://proxy.test:3128" }
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}
	hangUp := func(c net.Conn, _ string) { readSome(c); _ = c.Close() }
	hang := func(net.Conn, string) {}
	const soon = 150 * time.Millisecond
	return []proxied{
		{name: "closed port", want: report.ProxyConnectionFailed, proxy: closed},
		{name: "closed port, for a tunnel", want: report.ProxyConnectionFailed, proxy: closed, secure: true},
		{name: "name does not exist", want: report.ProxyConnectionFailed, proxy: nameless, client: resolve(dns.RcodeNameError)},
		{name: "name server silent", want: report.ProxyConnectionFailed, proxy: nameless, client: resolve(silent), limit: soon},
		{name: "closed port of a SOCKS proxy", want: report.ProxyConnectionFailed, proxy: func(t *testing.T, a *authority, s string) string {
			return strings.Replace(closed(t, a, s), "http:", "socks5:", 1)
		}},
		{name: "expired certificate", want: report.ProxyCertificateInvalid, proxy: overTLS(expired, forward)},
		{name: "expired certificate, for a tunnel", want: report.ProxyCertificateInvalid, proxy: overTLS(expired, forward), secure: true},
		{name: "wrong name in the certificate", want: report.ProxyCertificateInvalid,
			proxy: overTLS(func(c *x509.Certificate) { c.IPAddresses = nil }, forward), secure: true},
		{name: "no TLS", want: report.ProxyConnectionFailed, proxy: listening("https", answering("HTTP/1.0 400 Bad Request\r\n\r\n"))},
		{name: "closed in the handshake", want: report.ProxyConnectionFailed, proxy: listening("https", hangUp), secure: true},

		{name: "CONNECT answered 407", want: report.ProxyAuthRequested, secure: true,
			proxy: listening("http", answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))},
		{name: "request answered 407", want: report.ProxyAuthRequested, status: 407,
			proxy: listening("http", answering("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"))},
		{name: "CONNECT answered 403", want: report.ProxyTunnelFailed, secure: true,
			proxy: listening("http", answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))},
		{name: "CONNECT answered 502", want: report.ProxyTunnelFailed, secure: true,
			proxy: listening("http", answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))},
		{name: "CONNECT answered 504", want: report.ProxyTunnelFailed, secure: true,
			proxy: listening("http", answering("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"))},
		{name: "CONNECT answered 502 over TLS", want: report.ProxyTunnelFailed, secure: true,
			proxy: overTLS(nil, answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))},
		{name: "CONNECT answered with garbage", want: report.ProxyTunnelFailed, secure: true, proxy: listening("http", answering("220 mail.example ESMTP\r\n"))},
		{name: "closed instead of a tunnel", want: report.ProxyTunnelFailed, secure: true, proxy: listening("http", hangUp)},
		{name: "reset instead of a tunnel", want: report.ProxyTunnelFailed, secure: true, proxy: listening("http", func(c net.Conn, _ string) { readSome(c); reset(c) })},
		{name: "silent instead of a tunnel", want: report.ProxyTunnelFailed, secure: true, proxy: listening("http", hang), limit: soon},
		// which could be the service's own
		{name: "request answered 502", want: report.HTTPError, status: 502,
			proxy: listening("http", answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))},

		{name: "SOCKS general failure", want: report.ProxySOCKSFailed, proxy: listening("socks5", socks(1))},
		{name: "SOCKS not allowed", want: report.ProxySOCKSFailed, proxy: listening("socks5", socks(2)), secure: true},
		{name: "SOCKS network unreachable", want: report.ProxySOCKSHostUnreachable, proxy: listening("socks5", socks(3))},
		{name: "SOCKS host unreachable", want: report.ProxySOCKSHostUnreachable, proxy: listening("socks5", socks(4)), secure: true},
		{name: "SOCKS refused", want: report.ProxySOCKSFailed, proxy: listening("socks5h", socks(5))},
		{name: "SOCKS no acceptable method", want: report.ProxySOCKSFailed, proxy: listening("socks5", socks(socksNoMethod))},
		{name: "SOCKS closed", want: report.ProxySOCKSFailed, proxy: listening("socks5", socks(socksSilence))},
		{name: "SOCKS garbage", want: report.ProxySOCKSFailed, proxy: listening("socks5", answering("HTTP/1.1 400 Bad Request\r\n\r\n"))},

		// Through a proxy that works, the service's faults keep their names.
		{name: "service closes", want: report.HTTPResponseEmpty, proxy: listening("http", forward), fail: func(c net.Conn) { readSome(c); _ = c.Close() }},
		{name: "service not available", want: report.HTTPError, status: 503, proxy: listening("http", forward),
			fail: say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")},
		{name: "service truncates", want: report.HTTPContentLengthMismatch, status: 200, proxy: listening("http", forward), secure: true,
			fail: say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")},
		{name: "service's certificate expired", want: report.TLSCertDateInvalid, proxy: listening("http", forward), secure: true, expire: true},
		{name: "service's certificate expired, proxy over TLS", want: report.TLSCertDateInvalid, proxy: overTLS(nil, forward), secure: true, expire: true},
		{name: "service's certificate expired, SOCKS", want: report.TLSCertDateInvalid, proxy: listening("socks5", socks(0)), secure: true, expire: true},
		{name: "service resets", want: report.TCPReset, proxy: listening("socks5", socks(0)), fail: func(c net.Conn) { readSome(c); reset(c) }},
		{name: "service silent", want: report.TCPTimedOut, proxy: listening("http", forward), fail: func(net.Conn) {}, limit: soon},
		{name: "service silent behind a tunnel", want: report.TCPTimedOut, proxy: listening("http", forward), secure: true, fail: func(net.Conn) {}, limit: soon},
	}
}

// TestProxyFaultsHaveTheirNames: what a proxy did is told from what the service did, and no proxy's
// address is given as the service's.
func TestProxyFaultsHaveTheirNames(t *testing.T) {
	ca := newAuthority(t)
	for _, f := range proxyFaults() {
		t.Run(f.name, func(t *testing.T) {
			scheme, fail := "http", f.fail
			if fail == nil {
				fail = say(okAnswer)
			}
			var service string
			if f.secure {
				scheme = "https"
				change := func(*x509.Certificate) {}
				if f.expire {
					change = func(c *x509.Certificate) {
						c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
					}
				}
				service = serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, change)}}, fail)
			} else {
				service = serve(t, fail)
			}
			proxy, err := url.Parse(f.proxy(t, ca, service))
			must(t, err)
			tr := newTransport(t, ca.pool)
			tr.Proxy = http.ProxyURL(proxy)
			if f.client != nil {
				f.client(tr)
			}
			ctx := context.WithValue(t.Context(), testKey{}, func(rcode int) string { return nameServer(t, rcode) })
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			if f.limit != 0 {
				ctx, cancel = context.WithTimeout(ctx, f.limit)
				defer cancel()
			}
			w := watch(t)
			err = get(ctx, &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}, scheme+"://shop.test/")
			counters, samples := w.seen(t)
			want := report.Counter{Target: scheme + "://shop.test", Outcome: f.want, Status: f.status, Count: 1}
			if len(counters) != 1 {
				t.Fatalf("counters %+v; the client saw %v", counters, err)
			}
			got := counters[0]
			got.Protocol = ""
			if got != want {
				t.Errorf("counted %+v, want %+v; the client saw %v", counters[0], want, err)
			}
			if len(samples) != 1 || samples[0].Server != "" || samples[0].Phase != f.want.Phase() {
				t.Errorf("samples %+v", samples[0])
			}
			if err != nil && strings.HasPrefix(string(f.want), "proxy.") {
				// Without hooks a tunnel's failure is only a reason phrase.
				if c := httpagent.Classify(ctx, err); f.want != report.ProxyTunnelFailed && f.want != report.ProxyAuthRequested && f.limit == 0 && c != f.want {
					t.Errorf("Classify of the client's error %q: %v", err, c)
				}
			}
		})
	}
}

// TestSuccessThroughAProxy: answers count, without a server, however many there are.
func TestSuccessThroughAProxy(t *testing.T) {
	ca := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}}
	for name, proxy := range map[string]func(*testing.T, *authority, string) string{
		"http": listening("http", forward), "https": overTLS(nil, forward), "socks5": listening("socks5", socks(0)),
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(scheme+" through "+name, func(t *testing.T) {
				service := serve(t, keepAlive)
				if scheme == "https" {
					service = serveTLS(t, config, keepAlive)
				}
				through, err := url.Parse(proxy(t, ca, service))
				must(t, err)
				tr := newTransport(t, ca.pool)
				tr.Proxy = http.ProxyURL(through)
				w := watch(t)
				client := &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}
				const total = 2 * calming
				for _, host := range []string{"shop.test", "127.0.0.1:" + service[strings.LastIndex(service, ":")+1:]} {
					for range total {
						must(t, get(t.Context(), client, scheme+"://"+host+"/"))
					}
				}
				spoil(w)
				counters, _ := w.seen(t)
				for _, c := range counters {
					if c.Outcome == report.OK && (c.Count != total || c.Server != "") {
						t.Errorf("%+v, want %d without a server", c, total)
					}
				}
				if len(counters) != 3 {
					t.Errorf("counters %+v", counters)
				}
			})
		}
	}
}
