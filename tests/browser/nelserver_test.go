package browser

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// origin is a service that answers well, and its NEL policy with it, until it is told to misbehave.
// HTTP/1.1 is written by hand, for net/http refuses to answer badly.
type origin struct {
	url     string // https://shop.test:port
	ln      net.Listener
	good    *tls.Config
	headers string       // of every good answer from shop.test
	fault   atomic.Value // func(*origin, net.Conn) that takes connections instead
	done    sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn // owned by mu; all that were ever accepted
}

// fault is what an origin does with a connection, from its first byte on.
type fault = func(o *origin, c net.Conn)

// startOrigin listens on an address of loopback with a port. headers are the lines that a good
// answer from shop.test has.
func startOrigin(t *testing.T, ca *devca.CA, address, headers string) *origin {
	t.Helper()
	cert, err := ca.Issue(time.Now().Add(time.Hour), "shop.test", "*.shop.test")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{url: "https://shop.test:" + port, ln: ln, good: serverTLS(cert), headers: headers}
	o.fault.Store(fault(nil))
	o.done.Go(o.accept)
	t.Cleanup(o.close)
	return o
}

// serverTLS has no tickets: a client that resumes a session looks at no certificate.
func serverTLS(cert tls.Certificate, protocols ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true, NextProtos: append(protocols, "http/1.1")}
}

func (o *origin) port() string { return o.url[strings.LastIndexByte(o.url, ':')+1:] }

// close ends the listener and all connections, and waits for those who serve them.
func (o *origin) close() {
	_ = o.ln.Close()
	o.hangUp()
	o.done.Wait()
}

// hangUp ends all connections.
func (o *origin) hangUp() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.conns {
		_ = c.Close()
	}
}

// misbehave makes every connection from now on, the open ones too, meet a fault.
func (o *origin) misbehave(f fault) {
	o.fault.Store(f)
	o.hangUp()
}

func (o *origin) accept() {
	for {
		c, err := o.ln.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		o.conns = append(o.conns, c)
		o.mu.Unlock()
		o.done.Go(func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			if f := o.fault.Load().(fault); f != nil {
				f(o, c)
				return
			}
			o.serve(c, o.good)
		})
	}
}

// serve answers requests until one answer has been bad.
func (o *origin) serve(c net.Conn, conf *tls.Config) {
	tc := tls.Server(c, conf)
	in := bufio.NewReader(tc)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		text, again := o.answer(r)
		if _, err := io.WriteString(tc, text); err != nil {
			return
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/reset"):
			reset(c)
			return
		case strings.HasSuffix(r.URL.Path, "/cut"): // without the end of TLS
			_ = c.Close()
			return
		case strings.HasSuffix(r.URL.Path, "/slow"): // until the client gives up
			_, _ = in.ReadByte()
			return
		case !again:
			_ = tc.Close()
			return
		}
	}
}

// answer is the text of an answer, and whether the connection may be used again. The policy comes
// from the service's own name only: that of its subdomains is inherited.
func (o *origin) answer(r *http.Request) (text string, again bool) {
	headers := "Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n"
	if strings.HasPrefix(r.Host, "shop.test") {
		headers += o.headers
	}
	ok := "HTTP/1.1 200 OK\r\n" + headers
	whole := func(status, body string) (string, bool) {
		return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", status, headers, len(body), body), true
	}
	switch path := r.URL.Path; path {
	case "/status/missing":
		return whole("404 Not Found", "no")
	case "/status/broken":
		return whole("503 Service Unavailable", "no")
	case "/loop":
		return "HTTP/1.1 302 Found\r\n" + headers + "Location: /loop\r\nContent-Length: 0\r\n\r\n", true
	case "/headers/reset", "/headers/cut", "/slow", "/empty":
		return "", false
	case "/headers/truncated":
		return "HTTP/1.1 200 OK\r\nContent-Ty", false
	case "/headers/lengths":
		return ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nyes", false
	case "/headers/dispositions":
		return ok + "Content-Disposition: attachment\r\nContent-Disposition: inline\r\nContent-Length: 2\r\n\r\nok", false
	case "/headers/garbage":
		return "It is no HTTP\r\n\r\n", false
	case "/body/reset", "/body/short", "/body/cut":
		return ok + "Content-Length: 1000\r\n\r\nonly this", false
	case "/body/chunk":
		return ok + "Transfer-Encoding: chunked\r\n\r\nno number\r\nx\r\n", false
	case "/body/chunks":
		return ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false
	default:
		return whole("200 OK", pages[path])
	}
}

// pages are the bodies of good answers, by path.
var pages = map[string]string{
	"/":       "<!doctype html><title>Shop</title>",
	"/legacy": `<!doctype html><title>Legacy</title><img src="https://elsewhere.test/pixel?x=secret">`,
	// A page that breaks its policy, uses what is deprecated, and asks for what browsers do not
	// do unasked.
	"/page": `<!doctype html><title>Page</title><img src="https://elsewhere.test/pixel?x=secret"><script>
const request = new XMLHttpRequest()
request.open("GET", "/data", false)
request.send()
navigator.vibrate(100)
</script>`,
}

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// Faults of connections.

// resets ends a connection as soon as the client has said something.
func resets(_ *origin, c net.Conn) {
	_, _ = c.Read(make([]byte, 1))
	reset(c)
}

func closes(_ *origin, c net.Conn) {
	readHello(c)
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}

// says answers the client's first message with bytes of its own.
func says(b string) fault {
	return func(_ *origin, c net.Conn) {
		readHello(c)
		_, _ = io.WriteString(c, b)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
}

// readHello takes the client's first message, so that closing afterwards is no reset.
func readHello(c net.Conn) { _, _ = c.Read(make([]byte, 16<<10)) }

// shows serves with another TLS configuration.
func shows(conf *tls.Config) fault {
	return func(o *origin, c net.Conn) { o.serve(c, conf) }
}

// breaksHTTP2 agrees on HTTP/2 and ends every request with RST_STREAM and PROTOCOL_ERROR (RFC 9113,
// sections 6.4 and 7).
func breaksHTTP2(cert tls.Certificate) fault {
	return speaksHTTP2(cert, func(int) string { return "\x00\x00\x04\x03\x00" }, "\x00\x00\x00\x01")
}

// speaksHTTP2 agrees on HTTP/2 (RFC 9113) and answers nothing but requests, each with a frame: head
// says its length, type and flags, by the number of the request on its connection, or nothing;
// payload is what follows the number of the stream.
func speaksHTTP2(cert tls.Certificate, head func(request int) string, payload string) fault {
	return func(_ *origin, c net.Conn) {
		tc := tls.Server(c, serverTLS(cert, "h2"))
		if _, err := tc.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}); err != nil { // SETTINGS
			return
		}
		if _, err := io.CopyN(io.Discard, tc, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		frame := make([]byte, 9)
		for requests := 0; ; {
			if _, err := io.ReadFull(tc, frame); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, tc, int64(frame[0])<<16|int64(frame[1])<<8|int64(frame[2])); err != nil {
				return
			}
			if frame[3] != 1 { // HEADERS
				continue
			}
			requests++
			if h := head(requests); h != "" {
				if _, err := io.WriteString(tc, h+string(frame[5:])+payload); err != nil {
					return
				}
			}
		}
	}
}

// issue makes a certificate for one way of being wrong.
func issue(t *testing.T, ca *devca.CA, until time.Duration, names ...string) tls.Certificate {
	t.Helper()
	cert, err := ca.Issue(time.Now().Add(until), names...)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
