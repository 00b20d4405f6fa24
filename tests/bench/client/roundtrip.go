// Package client measures the agent's side: what watching a request costs beside a minimal wrapper,
// otelhttp and sentry-go, what a failure costs, how many bytes leave the device, and by how much a
// binary grows. Most readers need SuccessPath and CaptureFailure.
package client

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// Case is one line of a benchmark.
type Case struct {
	Name string
	Run  func(b *testing.B)
}

// memory answers every request at once from memory, with a body of two bytes or none.
type memory struct{ bodiless bool }

var memoryHeader = http.Header{"Content-Type": {"text/plain"}}

func (m memory) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: memoryHeader, Body: http.NoBody, Request: req,
	}
	if !m.bodiless {
		resp.Body, resp.ContentLength = &shortBody{left: "ok"}, 2
	}
	return resp, nil
}

type shortBody struct{ left string }

func (b *shortBody) Read(p []byte) (int, error) {
	n := copy(p, b.left)
	if b.left = b.left[n:]; b.left == "" {
		return n, io.EOF
	}
	return n, nil
}

func (*shortBody) Close() error { return nil }

// refuse fails every request as a closed port does.
type refuse struct{}

var errRefused error = &net.OpError{
	Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443},
	Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
}

func (refuse) RoundTrip(*http.Request) (*http.Response, error) { return nil, errRefused }

// minimal is the least that could be called observing: two clock reads and a look at the status.
type minimal struct {
	base    http.RoundTripper
	ok      atomic.Uint64
	failed  atomic.Uint64
	elapsed atomic.Int64
}

func (m *minimal) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := m.base.RoundTrip(req)
	m.elapsed.Store(int64(time.Since(start)))
	if err == nil && resp.StatusCode < http.StatusBadRequest {
		m.ok.Add(1)
	} else {
		m.failed.Add(1)
	}
	return resp, err
}

// newRequest is a request as an application makes it. The URL has what a real one has: a path
// and a query.
func newRequest(b *testing.B, origin string) *http.Request {
	b.Helper()
	u, err := url.Parse(origin + "/cart/items/4711?user=7")
	if err != nil {
		b.Fatal(err)
	}
	return &http.Request{
		Method: http.MethodGet, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer x"}},
	}
}

// requests makes b.N requests that succeed, and reads their bodies to the end.
func requests(b *testing.B, rt http.RoundTripper, req *http.Request) {
	var buf [512]byte
	m := measure.Start(b)
	defer m.End()
	for b.Loop() {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = resp.Body.Read(buf[:])
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

// failures makes b.N requests that fail.
func failures(b *testing.B, rt http.RoundTripper, req *http.Request) {
	m := measure.Start(b)
	defer m.End()
	for b.Loop() {
		if _, err := rt.RoundTrip(req); err == nil {
			b.Fatal("request succeeded")
		}
	}
}
