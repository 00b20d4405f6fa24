package httpprobe_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// answer reads a request and answers it with raw bytes.
func answer(raw string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, raw)
		}
	}
}

func TestProbeOfMisbehavingHTTPServers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name    string
		handle  func(net.Conn)
		want    report.Outcome
		step    string
		status  uint16
		timeout time.Duration
	}{
		{"closes at once", probetest.HangUp, report.HTTPResponseEmpty, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"closes after the request", answer(""), report.HTTPResponseEmpty, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"resets after the request", func(c net.Conn) { answer("")(c); probetest.Reset(c) }, report.TCPReset, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"never answers", probetest.Stall, report.TCPTimedOut, httpprobe.StepFirstByte, 0, probetest.Soon},
		{"slow header", func(c net.Conn) { answer(head + "Server: x")(c); probetest.Stall(c) }, report.TCPTimedOut, httpprobe.StepFirstByte, 0, probetest.Soon},
		{"half a header", answer(head + "Content-Le"), report.HTTPHeadersTruncated, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"half a status line", answer("HTTP/1.1 2"), report.HTTPHeadersTruncated, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"not HTTP", answer("SSH-2.0-OpenSSH_9.9\r\n\r\n"), report.HTTPResponseInvalid, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"header without colon", answer(head + "nonsense\r\n\r\n"), report.HTTPResponseInvalid, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"endless header", answer(head + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 100)), report.HTTPResponseInvalid, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"interim answers only", answer(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20)), report.HTTPResponseInvalid, httpprobe.StepFirstByte, 0, probetest.Limit},
		{"half a body", answer(head + "Content-Length: 10\r\n\r\nhalf"), report.HTTPContentLengthMismatch, httpprobe.StepBody, 200, probetest.Limit},
		{"half a chunked body", answer(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhalf"), report.HTTPIncompleteChunked, httpprobe.StepBody, 200, probetest.Limit},
		{"bad chunk", answer(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n"), report.HTTPInvalidChunked, httpprobe.StepBody, 200, probetest.Limit},
		{"slow body", func(c net.Conn) { answer(head + "Content-Length: 10\r\n\r\nhalf")(c); probetest.Stall(c) }, report.TCPTimedOut, httpprobe.StepBody, 200, probetest.Soon},
		{"500", answer("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), report.HTTPError, httpprobe.StepBody, 500, probetest.Limit},
		{"404", answer("HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"), report.HTTPError, httpprobe.StepBody, 404, probetest.Limit},

		{"good", answer(head + "Content-Length: 2\r\n\r\nok"), report.OK, httpprobe.StepBody, 200, probetest.Limit},
		{"good, until it closes", answer("HTTP/1.0 200 OK\r\n\r\nok"), report.OK, httpprobe.StepBody, 200, probetest.Limit},
		{"good, chunked", answer(head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), report.OK, httpprobe.StepBody, 200, probetest.Limit},
		{"good, early hints", answer("HTTP/1.1 103 Early Hints\r\n\r\n" + head + "Content-Length: 0\r\n\r\n"), report.OK, httpprobe.StepBody, 200, probetest.Limit},
		{"good, no content", answer("HTTP/1.1 204 No Content\r\n\r\n"), report.OK, httpprobe.StepBody, 204, probetest.Limit},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, accepted := probetest.Serve(t, c.handle)
			result, err := probetest.Once(t, &httpprobe.Options{URL: "http://" + address + "/health"}, probe.Env{}, c.timeout)
			if err != nil {
				t.Fatal(err)
			}
			if result.Outcome != c.want || result.Ended() != c.step || result.Status != c.status {
				t.Errorf("%s in %s with status %d, want %s in %s with %d", result.Outcome, result.Ended(), result.Status, c.want, c.step, c.status)
			}
			if result.Server != address || accepted.Load() != 1 {
				t.Errorf("tried %s, %d times; want %s once", result.Server, accepted.Load(), address)
			}
			steps := []string{conn.StepConnect, httpprobe.StepFirstByte, httpprobe.StepBody}
			if c.step == httpprobe.StepFirstByte {
				steps = steps[:2]
			}
			checkSteps(t, &result, steps...)
		})
	}
}

// checkSteps checks that an attempt took these steps, and that each took its time.
func checkSteps(t *testing.T, r *probe.Result, names ...string) {
	t.Helper()
	var got []string
	for _, s := range r.Steps {
		if got = append(got, s.Name); s.Duration <= 0 {
			t.Errorf("step %s took %v", s.Name, s.Duration)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("steps %v, want %v", got, names)
	}
}

func TestProbeReadsNoMoreThanItsLimit(t *testing.T) {
	address, _ := probetest.Serve(t, func(c net.Conn) {
		answer("HTTP/1.1 200 OK\r\n\r\n")(c)
		_, _ = io.Copy(c, endless{})
	})
	result, err := probetest.Once(t, &httpprobe.Options{URL: "http://" + address}, probe.Env{}, probetest.Limit)
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
		result, err := probetest.Once(t, &httpprobe.Options{URL: server.URL, StatusMin: c.lowest, StatusMax: c.highest}, probe.Env{}, probetest.Limit)
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
	spec := &httpprobe.Options{URL: "http://shop.example/health?deep=1", Connect: server.Listener.Addr().String()}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	if result, err := probetest.Once(t, spec, probe.Env{Dialer: dialer}, probetest.Limit); err != nil || result.Outcome != report.OK {
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

func TestCancelledProbeIsNoResult(t *testing.T) {
	started := make(chan struct{})
	address, _ := probetest.Serve(t, func(c net.Conn) { close(started); probetest.Stall(c) })
	f, err := (&httpprobe.Options{URL: "http://" + address}).Probe(probe.Env{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if result, err := f(ctx); !errors.Is(err, context.Canceled) || !reflect.DeepEqual(result, probe.Result{}) {
		t.Errorf("%+v, %v", result, err)
	}
}

func BenchmarkProbeHTTP(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	benchmarkProbe(b, &httpprobe.Options{URL: server.URL})
}

func BenchmarkProbeHTTPS(b *testing.B) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	benchmarkProbe(b, &httpprobe.Options{URL: server.URL, TLS: conn.TLSOptions{RootCAs: roots}})
}

func benchmarkProbe(b *testing.B, spec probe.Spec) {
	f, err := spec.Probe(probe.Env{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r, err := f(b.Context()); err != nil || r.Outcome != report.OK {
				b.Errorf("%+v, %v", r, err)
				return
			}
		}
	})
}

func TestProbeOfClosedPort(t *testing.T) {
	address := probetest.ClosedPort(t)
	for _, scheme := range []string{"http", "https"} {
		result, err := probetest.Once(t, &httpprobe.Options{URL: scheme + "://" + address}, probe.Env{}, probetest.Limit)
		if err != nil || result.Outcome != report.TCPRefused || result.Ended() != conn.StepConnect || result.Server != address {
			t.Errorf("%s: %+v, %v", scheme, result, err)
		}
	}
}
