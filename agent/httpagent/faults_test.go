package httpagent_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// fault is a server that misbehaves, and what an agent must call it.
type fault struct {
	name    string
	want    report.Outcome
	server  func(t *testing.T, a *authority) (url string)
	client  func(tr *http.Transport) // changes the client, if not nil
	context func(context.Context) (context.Context, context.CancelFunc)
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// plain is an http server whose connections are handed to handle.
func plain(handle func(net.Conn)) func(*testing.T, *authority) string {
	return func(t *testing.T, _ *authority) string { return "http://" + serve(t, handle) + "/" }
}

// raw is plain for an https URL: handle gets what comes before the handshake.
func raw(handle func(net.Conn)) func(*testing.T, *authority) string {
	return func(t *testing.T, _ *authority) string { return "https://" + serve(t, handle) + "/" }
}

// secure is a TLS server with a certificate after change, and a config after adjust.
func secure(change func(*x509.Certificate), adjust func(*tls.Config)) func(*testing.T, *authority) string {
	return func(t *testing.T, a *authority) string {
		config := &tls.Config{Certificates: []tls.Certificate{a.certificate(t, change)}}
		if adjust != nil {
			adjust(config)
		}
		return "https://" + serveTLS(t, config, say(okAnswer)) + "/"
	}
}

// alert answers a ClientHello with a fatal alert.
func alert(code byte) func(net.Conn) {
	return func(c net.Conn) {
		readSome(c)
		_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, code})
		_ = c.Close()
	}
}

// resetAfter reads a request, begins to answer with text, and resets the connection when the client
// has read that.
func resetAfter(text string) func(net.Conn) {
	return func(c net.Conn) {
		readSome(c)
		_, _ = c.Write([]byte(text))
		time.Sleep(20 * time.Millisecond)
		reset(c)
	}
}

// http2 is a server that speaks enough HTTP/2 to answer the first request with frames, and then
// says nothing more.
func http2(frames ...string) func(*testing.T, *authority) string {
	return func(t *testing.T, a *authority) string {
		config := &tls.Config{Certificates: []tls.Certificate{a.certificate(t, nil)}, NextProtos: []string{"h2"}}
		return "https://" + serveTLS(t, config, func(c net.Conn) {
			_, _ = c.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00")) // SETTINGS
			if !awaitHeaders(c) {
				return
			}
			_, _ = c.Write([]byte(strings.TrimSuffix(strings.Join(frames, ""), h2Close)))
			if strings.HasSuffix(strings.Join(frames, ""), h2Close) {
				_ = c.Close()
				return
			}
			_, _ = io.Copy(io.Discard, c)
		}) + "/"
	}
}

// awaitHeaders reads HTTP/2 frames up to the first HEADERS.
func awaitHeaders(c net.Conn) bool {
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(c, preface); err != nil {
		return false
	}
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(c, head); err != nil {
			return false
		}
		if _, err := io.CopyN(io.Discard, c, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
			return false
		}
		if head[3] == 1 {
			return true
		}
	}
}

const (
	// HEADERS, END_HEADERS: ":status: 200"
	h2Status200 = "\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"
	// RST_STREAM, INTERNAL_ERROR
	h2Reset = "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x02"
	// GOAWAY, stream 1, PROTOCOL_ERROR
	h2GoAway  = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	h2Close   = "close"
	h2Garbage = "\x00\x00\x03\x04\x00\x00\x00\x00\x00\x01\x02\x03" // SETTINGS of 3 bytes
)

func faults() []fault {
	return []fault{
		{name: "closed port", want: report.TCPRefused, server: func(t *testing.T, _ *authority) string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer l.Close()
			return "http://" + l.Addr().String() + "/"
		}},
		{name: "reset at once", want: report.TCPReset, server: plain(reset)},
		{name: "reset before the answer", want: report.TCPReset, server: plain(func(c net.Conn) { readSome(c); reset(c) })},
		// Without TLS net/http loses a reset that comes within the head, and reads on into an end.
		{name: "reset in the head", want: report.HTTPHeadersTruncated, server: plain(resetAfter("HTTP/1.1 200 OK\r\nA: b\r\n"))},
		{name: "reset in the head over TLS", want: report.TCPReset, server: func(t *testing.T, a *authority) string {
			config := &tls.Config{Certificates: []tls.Certificate{a.certificate(t, nil)}}
			return "https://" + serveTLS(t, config, resetAfter("HTTP/1.1 200 OK\r\nA: b\r\n")) + "/"
		}},
		{name: "reset in the handshake", want: report.TCPReset, server: raw(func(c net.Conn) { readSome(c); reset(c) })},
		{name: "reset in the body", want: report.TCPReset, server: plain(resetAfter("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"))},
		{name: "closed in the handshake", want: report.TCPClosed, server: raw(func(c net.Conn) { readSome(c); _ = c.Close() })},
		{name: "closed without an answer", want: report.HTTPResponseEmpty, server: plain(func(c net.Conn) { readSome(c); _ = c.Close() })},
		{name: "silent in the handshake", want: report.TCPTimedOut, server: raw(func(net.Conn) {}),
			client: func(tr *http.Transport) { tr.TLSHandshakeTimeout = 50 * time.Millisecond }},
		{name: "silent after the request", want: report.TCPTimedOut, server: plain(func(net.Conn) {}),
			client: func(tr *http.Transport) { tr.ResponseHeaderTimeout = 50 * time.Millisecond }},

		{name: "expired certificate", want: report.TLSCertDateInvalid, server: secure(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		}, nil)},
		{name: "certificate of tomorrow", want: report.TLSCertDateInvalid, server: secure(func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(30 * time.Minute)
		}, nil)},
		{name: "certificate for another name", want: report.TLSCertNameInvalid, server: secure(func(c *x509.Certificate) {
			c.IPAddresses = nil
		}, nil)},
		{name: "certificate of an unknown authority", want: report.TLSCertAuthorityInvalid, server: func(t *testing.T, _ *authority) string {
			return secure(nil, nil)(t, newAuthority(t))
		}},
		{name: "certificate for clients only", want: report.TLSCertInvalid, server: secure(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, nil)},
		{name: "old TLS version", want: report.TLSVersionOrCipherMismatch, server: secure(nil, func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		})},
		{name: "TLS version that only the server refuses", want: report.TLSVersionOrCipherMismatch, server: secure(nil, func(c *tls.Config) {
			c.MinVersion = tls.VersionTLS13
		}), client: func(tr *http.Transport) { tr.TLSClientConfig.MaxVersion = tls.VersionTLS12 }},
		{name: "no common cipher", want: report.TLSVersionOrCipherMismatch, server: secure(nil, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		}), client: func(tr *http.Transport) {
			tr.TLSClientConfig.MaxVersion = tls.VersionTLS12
			tr.TLSClientConfig.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
		}},
		{name: "client certificate wanted", want: report.TLSBadClientAuthCert, server: func(t *testing.T, a *authority) string {
			config := &tls.Config{Certificates: []tls.Certificate{a.certificate(t, nil)}, ClientAuth: tls.RequireAnyClientCert}
			// unlike serveTLS it leaves the connection open, so that the alert arrives
			return "https://" + serve(t, func(c net.Conn) {
				_ = tls.Server(c, config).Handshake()
				_, _ = io.Copy(io.Discard, c)
			}) + "/"
		}},
		{name: "unrecognized name", want: report.TLSUnrecognizedNameAlert, server: raw(alert(112))},
		{name: "alert of an internal error", want: report.TLSProtocolError, server: raw(alert(80))},
		{name: "handshake failure", want: report.TLSVersionOrCipherMismatch, server: raw(alert(40))},
		{name: "HTTP instead of TLS", want: report.TLSProtocolError, server: raw(say("HTTP/1.0 400 Bad Request\r\n\r\n"))},
		{name: "garbage instead of TLS", want: report.TLSProtocolError, server: raw(say("220 mail.example ESMTP\r\n"))},

		{name: "garbage instead of HTTP", want: report.HTTPResponseInvalid, server: plain(say("220 mail.example ESMTP\r\n"))},
		{name: "bad status code", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 2x0 OK\r\n\r\n"))},
		{name: "bad header", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"))},
		{name: "two lengths", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"))},
		{name: "bad length", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nab"))},
		{name: "unknown transfer encoding", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: smoke\r\n\r\n"))},
		{name: "endless head", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 20_000) + "\r\n\r\n")),
			client: func(tr *http.Transport) { tr.MaxResponseHeaderBytes = 1000 }},
		{name: "truncated head", want: report.HTTPHeadersTruncated, server: plain(say("HTTP/1.1 200 OK\r\nContent-Length: 1"))},
		{name: "head truncated in a header's name", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 200 OK\r\nContent-Le"))},
		{name: "truncated body", want: report.HTTPContentLengthMismatch, server: plain(say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"))},
		{name: "truncated chunks", want: report.HTTPIncompleteChunked, server: plain(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"))},
		{name: "no last chunk", want: report.HTTPIncompleteChunked, server: plain(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"))},
		{name: "truncated trailer", want: report.HTTPIncompleteChunked, server: plain(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n0\r\nA: b"))},
		{name: "bad chunk length", want: report.HTTPInvalidChunked, server: plain(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"))},
		{name: "bad chunk end", want: report.HTTPInvalidChunked, server: plain(say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n"))},
		{name: "bad gzip", want: report.HTTPResponseInvalid, server: plain(say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot gzip 123"))},
		{name: "not found", want: report.HTTPError, server: plain(say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))},
		{name: "unavailable", want: report.HTTPError, server: plain(say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"))},
		{name: "error page cut short", want: report.HTTPError, server: plain(say("HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nsor"))},

		{name: "HTTP/2 stream reset", want: report.H2ProtocolError, server: http2(h2Reset)},
		{name: "HTTP/2 stream reset in the body", want: report.H2ProtocolError, server: http2(h2Status200, h2Reset)},
		{name: "HTTP/2 goes away", want: report.H2ProtocolError, server: http2(h2GoAway + h2Close)},
		{name: "HTTP/2 goes away in the body", want: report.H2ProtocolError, server: http2(h2Status200, h2GoAway+h2Close)},
		{name: "HTTP/2 garbage", want: report.H2ProtocolError, server: http2(h2Garbage)},
		{name: "HTTP/2 without answer to a ping", want: report.H2PingFailed, server: http2(), client: func(tr *http.Transport) {
			tr.HTTP2 = &http.HTTP2Config{SendPingTimeout: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond}
		}},
		{name: "HTTP/2 without answer to a ping in the body", want: report.H2PingFailed, server: http2(h2Status200), client: func(tr *http.Transport) {
			tr.HTTP2 = &http.HTTP2Config{SendPingTimeout: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond}
		}},
		{name: "HTTP/2 silent", want: report.TCPTimedOut, server: http2(),
			client: func(tr *http.Transport) { tr.ResponseHeaderTimeout = 50 * time.Millisecond }},

		{name: "caller cancels", want: report.Abandoned, server: plain(func(net.Conn) {}), context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		}},
		{name: "caller cancels with a cause", want: report.Abandoned, server: plain(func(net.Conn) {}), context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("changed my mind")) })
			return ctx, func() { cancel(nil) }
		}},
		{name: "caller's deadline", want: report.TCPTimedOut, server: plain(func(net.Conn) {}), context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		}},
		{name: "caller's deadline in the body", want: report.TCPTimedOut, server: plain(func(c net.Conn) {
			readSome(c)
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"))
		}), context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 100*time.Millisecond)
		}},

		{name: "caller's deadline with a cause", want: report.TCPTimedOut, server: plain(func(net.Conn) {}), context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, 50*time.Millisecond, errors.New("took too long"))
		}},
		{name: "caller's deadline while resolving", want: report.DNSTimedOut, server: named, client: resolve(silent),
			context: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 50*time.Millisecond)
			}},
		{name: "NXDOMAIN", want: report.DNSNameNotResolved, server: named, client: resolve(dns.RcodeNameError)},
		{name: "name without an address", want: report.DNSNameNotResolved, server: named, client: resolve(dns.RcodeSuccess)},
		{name: "SERVFAIL", want: report.DNSFailed, server: named, client: resolve(dns.RcodeServerFailure)},
		{name: "REFUSED", want: report.DNSFailed, server: named, client: resolve(dns.RcodeRefused)},
		{name: "silent name server", want: report.DNSTimedOut, server: named, client: resolve(silent)},
		{name: "dead name server", want: report.DNSUnreachable, server: named, client: resolve(dead)},
	}
}

// named is a URL with a name.
func named(*testing.T, *authority) string { return "http://shop.test/" }

const (
	silent = -1
	dead   = -2
)

// nameServer is a real DNS server on loopback that answers every question with rcode, or
// not at all.
func nameServer(t testing.TB, rcode int) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	if rcode == dead {
		_ = conn.Close()
		return conn.LocalAddr().String()
	}
	started := make(chan struct{})
	s := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if rcode != silent {
			answer := new(dns.Msg).SetRcode(q, rcode)
			answer.RecursionAvailable = true
			_ = w.WriteMsg(answer)
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown(); <-done })
	return conn.LocalAddr().String()
}

// impatient cuts the resolver's waiting time, which is 5 s by default.
type impatient struct{ *net.UDPConn }

func (c impatient) SetDeadline(time.Time) error {
	return c.UDPConn.SetDeadline(time.Now().Add(30 * time.Millisecond))
}

// resolver asks the name server at addr.
func resolver(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "udp", addr)
		if err != nil {
			return nil, err
		}
		return impatient{c.(*net.UDPConn)}, nil
	}}
}

// resolve has the client ask a name server that answers with rcode. It is started by the test,
// which knows when to stop it.
func resolve(rcode int) func(*http.Transport) {
	return func(tr *http.Transport) { tr.DialContext = dialByName{rcode}.dial }
}

type dialByName struct{ rcode int }

func (d dialByName) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := &net.Dialer{Resolver: resolver(ctx.Value(testKey{}).(func(int) string)(d.rcode))}
	return dialer.DialContext(ctx, network, addr)
}

// testKey is for a func(rcode int) that starts a name server for the running test.
type testKey struct{}

func TestEveryFaultHasItsName(t *testing.T) {
	ca := newAuthority(t)
	for _, f := range append(faults(), connectFaults()...) {
		t.Run(f.name, func(t *testing.T) {
			w := watch(t)
			url := f.server(t, ca)
			tr := newTransport(t, ca.pool)
			if f.client != nil {
				f.client(tr)
			}
			ctx := context.WithValue(t.Context(), testKey{}, func(rcode int) string { return nameServer(t, rcode) })
			// so that a mistake does not hang
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			if f.context != nil {
				var cancel context.CancelFunc
				ctx, cancel = f.context(ctx)
				defer cancel()
			}
			err := get(ctx, &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}, url)
			counters, samples := w.seen(t)
			if len(counters) != 1 || counters[0].Outcome != f.want || counters[0].Count != 1 || counters[0].Target != strings.TrimSuffix(url, "/") {
				t.Fatalf("counters %+v, want one of %s; the client saw: %v", counters, f.want, err)
			}
			if len(samples) != 1 || samples[0].Outcome != f.want || samples[0].URL != url || samples[0].Method != "GET" {
				t.Errorf("samples %+v", samples)
			}
			host := counters[0].Target[strings.Index(counters[0].Target, "//")+2:]
			if counters[0].Outcome.Under("dns") {
				host = ""
			}
			if counters[0].Server != host {
				t.Errorf("server %q, want %q", counters[0].Server, host)
			}
			// Of the error alone, without httptrace, Classify cannot tell in which phase a
			// connection was closed, or a deadline passed.
			late := f.want == report.DNSTimedOut && f.context != nil
			if err != nil && !late && f.want != report.TCPClosed && f.want != report.HTTPHeadersTruncated {
				if got := httpagent.Classify(ctx, err); got.Phase() != f.want.Phase() {
					t.Errorf("Classify of the client's error %q: %v, of another phase than %v", err, got, f.want)
				}
			}
		})
	}
}

// TestClientTimeout: http.Client's own deadline is one like the context's, whatever it interrupts.
func TestClientTimeout(t *testing.T) {
	for name, answer := range map[string]string{"head": "", "body": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			addr := serve(t, func(c net.Conn) { readSome(c); _, _ = io.WriteString(c, answer) })
			client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil)), Timeout: 100 * time.Millisecond}
			err := get(t.Context(), client, "http://"+addr)
			counters, _ := w.seen(t)
			if err == nil || len(counters) != 1 || counters[0].Outcome != report.TCPTimedOut || counters[0].Server != addr {
				t.Errorf("counters %+v; the client saw %v", counters, err)
			}
		})
	}
}

// TestHTTP2GoesAwayInGoodOrder: net/http repeats a request that the server has not looked at on
// another connection. It is one request, and what counts is the answer.
func TestHTTP2GoesAwayInGoodOrder(t *testing.T) {
	ca := newAuthority(t)
	// GOAWAY, stream 0, NO_ERROR
	const unseen = "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	var conns atomic.Int32
	config := &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}, NextProtos: []string{"h2"}}
	addr := serveTLS(t, config, func(c net.Conn) {
		_, _ = c.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00")) // SETTINGS
		if !awaitHeaders(c) {
			return
		}
		answer := unseen
		if conns.Add(1) > 1 {
			// HEADERS, END_HEADERS, END_STREAM: ":status: 200"
			answer = "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"
		}
		_, _ = io.WriteString(c, answer)
		_, _ = io.Copy(io.Discard, c)
	})
	w := watch(t)
	must(t, get(t.Context(), &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, ca.pool))}, "https://"+addr))
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "https://"+addr); len(got) != 1 || got[0].Outcome != report.OK || got[0].Count != 1 || conns.Load() != 2 {
		t.Errorf("counters %+v after %d connections, want one ok after 2", got, conns.Load())
	}
}

// get makes a request and reads the whole answer.
func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}
