package prober

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// limit ends what hangs because of a fault in the code; soon ends what is meant to hang.
const (
	limit = 30 * time.Second
	soon  = 300 * time.Millisecond
)

func probeOnce(t *testing.T, target Target, dialer *net.Dialer, timeout time.Duration) (Result, error) {
	t.Helper()
	target.Name = "server"
	probe, err := NewProbe(target, dialer)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return probe(ctx)
}

// serve hands every connection to handle, closes it afterwards, and counts them.
func serve(t *testing.T, handle func(net.Conn)) (address string, accepted *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), accepted
}

// answer reads a request and answers it with raw bytes.
func answer(raw string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, raw)
		}
	}
}

func reset(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }

// stall waits until the client has gone.
func stall(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// hangUp closes its side before the request is there. It goes on reading, for a request that nobody
// reads is answered by a reset.
func hangUp(conn net.Conn) {
	_ = conn.(*net.TCPConn).CloseWrite()
	stall(conn)
}

func TestProbeOfMisbehavingHTTPServers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name    string
		handle  func(net.Conn)
		want    report.Outcome
		phase   Phase
		status  uint16
		timeout time.Duration
	}{
		{"closes at once", hangUp, report.HTTPResponseEmpty, PhaseFirstByte, 0, limit},
		{"closes after the request", answer(""), report.HTTPResponseEmpty, PhaseFirstByte, 0, limit},
		{"resets after the request", func(conn net.Conn) { answer("")(conn); reset(conn) }, report.TCPReset, PhaseFirstByte, 0, limit},
		{"never answers", stall, report.TCPTimedOut, PhaseFirstByte, 0, soon},
		{"slow header", func(conn net.Conn) { answer(head + "Server: x")(conn); stall(conn) }, report.TCPTimedOut, PhaseFirstByte, 0, soon},
		{"half a header", answer(head + "Content-Le"), report.HTTPHeadersTruncated, PhaseFirstByte, 0, limit},
		{"half a status line", answer("HTTP/1.1 2"), report.HTTPHeadersTruncated, PhaseFirstByte, 0, limit},
		{"not HTTP", answer("SSH-2.0-OpenSSH_9.9\r\n\r\n"), report.HTTPResponseInvalid, PhaseFirstByte, 0, limit},
		{"header without colon", answer(head + "nonsense\r\n\r\n"), report.HTTPResponseInvalid, PhaseFirstByte, 0, limit},
		{"endless header", answer(head + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 100)), report.HTTPResponseInvalid, PhaseFirstByte, 0, limit},
		{"interim answers only", answer(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20)), report.HTTPResponseInvalid, PhaseFirstByte, 0, limit},
		{"half a body", answer(head + "Content-Length: 10\r\n\r\nhalf"), report.HTTPContentLengthMismatch, PhaseBody, 200, limit},
		{"half a chunked body", answer(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhalf"), report.HTTPIncompleteChunked, PhaseBody, 200, limit},
		{"bad chunk", answer(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n"), report.HTTPInvalidChunked, PhaseBody, 200, limit},
		{"slow body", func(conn net.Conn) { answer(head + "Content-Length: 10\r\n\r\nhalf")(conn); stall(conn) }, report.TCPTimedOut, PhaseBody, 200, soon},
		{"500", answer("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), report.HTTPError, PhaseBody, 500, limit},
		{"404", answer("HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"), report.HTTPError, PhaseBody, 404, limit},

		{"good", answer(head + "Content-Length: 2\r\n\r\nok"), report.OK, PhaseBody, 200, limit},
		{"good, until it closes", answer("HTTP/1.0 200 OK\r\n\r\nok"), report.OK, PhaseBody, 200, limit},
		{"good, chunked", answer(head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), report.OK, PhaseBody, 200, limit},
		{"good, early hints", answer("HTTP/1.1 103 Early Hints\r\n\r\n" + head + "Content-Length: 0\r\n\r\n"), report.OK, PhaseBody, 200, limit},
		{"good, no content", answer("HTTP/1.1 204 No Content\r\n\r\n"), report.OK, PhaseBody, 204, limit},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, accepted := serve(t, c.handle)
			result, err := probeOnce(t, Target{URL: "http://" + address + "/health"}, nil, c.timeout)
			if err != nil {
				t.Fatal(err)
			}
			if result.Outcome != c.want || result.Phase != c.phase || result.Status != c.status {
				t.Errorf("%s in %s with status %d, want %s in %s with %d", result.Outcome, result.Phase, result.Status, c.want, c.phase, c.status)
			}
			if result.Server != address || accepted.Load() != 1 {
				t.Errorf("tried %s, %d times; want %s once", result.Server, accepted.Load(), address)
			}
			if d := result.Timings; d.Connect <= 0 || d.FirstByte <= 0 || d.DNS != 0 || d.TLS != 0 || (d.Body > 0) != (c.phase == PhaseBody) {
				t.Errorf("timings %+v", d)
			}
		})
	}
}

func TestProbeReadsNoMoreThanItsLimit(t *testing.T) {
	address, _ := serve(t, func(conn net.Conn) {
		answer("HTTP/1.1 200 OK\r\n\r\n")(conn)
		_, _ = io.Copy(conn, endless{})
	})
	result, err := probeOnce(t, Target{URL: "http://" + address}, nil, limit)
	if err != nil || result.Outcome != report.OK {
		t.Errorf("an endless body gives %s, %v", result.Outcome, err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestStatusRangeDecides(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	for _, c := range []struct {
		lowest, highest int
		want            report.Outcome
	}{
		{0, 0, report.OK}, {302, 302, report.OK}, {302, 0, report.OK}, {0, 299, report.HTTPFailed}, {401, 0, report.HTTPFailed},
	} {
		result, err := probeOnce(t, Target{URL: server.URL, StatusMin: c.lowest, StatusMax: c.highest}, nil, limit)
		if err != nil || result.Outcome != c.want || result.Status != 302 || result.Protocol != "http/1.1" {
			t.Errorf("302 for %d to %d: %+v, %v; want %s", c.lowest, c.highest, result, err, c.want)
		}
	}
	if asked.Load() != 5 {
		t.Errorf("%d requests for 5 probes: a redirect was followed", asked.Load())
	}
}

func TestProbeSaysWhoAsks(t *testing.T) {
	requests := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { requests <- r }))
	defer server.Close()
	target := Target{URL: "http://shop.example/health?deep=1", Address: server.Listener.Addr().String()}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	if result, err := probeOnce(t, target, dialer, limit); err != nil || result.Outcome != report.OK {
		t.Fatalf("%+v, %v", result, err)
	}
	r := <-requests
	if r.Host != "shop.example" || r.RequestURI != "/health?deep=1" || r.UserAgent() != "heliograph-prober" || !r.Close {
		t.Errorf("request %s %s by %q, close %v", r.Host, r.RequestURI, r.UserAgent(), r.Close)
	}
	if !strings.HasPrefix(r.RemoteAddr, "127.0.0.9:") {
		t.Errorf("came from %s", r.RemoteAddr)
	}
}

func TestProbeOfTCP(t *testing.T) {
	address, _ := serve(t, func(net.Conn) {})
	result, err := probeOnce(t, Target{Address: address}, nil, limit)
	if err != nil || result.Outcome != report.OK || result.Phase != PhaseConnect || result.Server != address {
		t.Errorf("%+v, %v", result, err)
	}
	if result.Timings.Total() != result.Timings.Connect || result.Started.IsZero() {
		t.Errorf("timings %+v from %v", result.Timings, result.Started)
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestProbeOfClosedPort(t *testing.T) {
	address := closedPort(t)
	for _, target := range []Target{{Address: address}, {URL: "http://" + address}, {URL: "https://" + address}} {
		result, err := probeOnce(t, target, nil, limit)
		if err != nil || result.Outcome != report.TCPRefused || result.Phase != PhaseConnect || result.Server != address {
			t.Errorf("%s: %+v, %v", target.kind(), result, err)
		}
	}
}

// A listener whose queue is full drops the SYN, as a host does that is gone.
func TestProbeOfSilentHost(t *testing.T) {
	address := fullListener(t)
	result, err := probeOnce(t, Target{Address: address}, nil, soon)
	if err != nil || result.Outcome != report.TCPTimedOut || result.Phase != PhaseConnect {
		t.Errorf("%+v, %v", result, err)
	}
}

func fullListener(t *testing.T) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(socket, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 100 {
		conn, err := net.DialTimeout("tcp", address, soon)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the listener's queue does not fill")
	return ""
}

// What is the prober's own trouble says nothing of the target.
func TestLocalTroubleIsNoResult(t *testing.T) {
	address, _ := serve(t, func(net.Conn) {})
	foreign := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}
	if result, err := probeOnce(t, Target{Address: address}, foreign, limit); err == nil {
		t.Errorf("a source address that is not ours gives %+v", result)
	}
	full := &net.Dialer{Control: func(string, string, syscall.RawConn) error { return syscall.EMFILE }}
	if result, err := probeOnce(t, Target{Address: address}, full, limit); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("no file descriptors left gives %+v, %v", result, err)
	}
}

func TestCancelledProbeIsNoResult(t *testing.T) {
	started := make(chan struct{})
	address, _ := serve(t, func(conn net.Conn) { close(started); stall(conn) })
	probe, err := NewProbe(Target{URL: "http://" + address}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if result, err := probe(ctx); !errors.Is(err, context.Canceled) || result != (Result{}) {
		t.Errorf("%+v, %v", result, err)
	}
}

func BenchmarkProbeHTTP(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	benchmarkProbe(b, Target{URL: server.URL})
}

func BenchmarkProbeHTTPS(b *testing.B) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	benchmarkProbe(b, Target{URL: server.URL, TLS: TLSOptions{RootCAs: roots}})
}

func benchmarkProbe(b *testing.B, target Target) {
	probe, err := NewProbe(target, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r, err := probe(b.Context()); err != nil || r.Outcome != report.OK {
				b.Errorf("%+v, %v", r, err)
				return
			}
		}
	})
}
