package httpagent_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// ownBody tells whose it is in every byte.
type ownBody struct {
	id     byte
	left   atomic.Int32
	closes atomic.Int32
	fail   error // at the end, instead of io.EOF
}

func (b *ownBody) Read(p []byte) (int, error) {
	if b.closes.Load() > 0 {
		return 0, errOwnClosed
	}
	n := 0
	for n < len(p) && n < 7 && b.left.Add(-1) >= 0 {
		p[n] = b.id
		n++
	}
	if n > 0 {
		return n, nil
	}
	if b.fail != nil {
		return 0, b.fail
	}
	return 0, io.EOF
}

func (b *ownBody) Close() error { b.closes.Add(1); return nil }

var errOwnClosed = errors.New("own body is closed")

// TestNoBodyIsEverAnothers: whatever an application does with bodies that it should be done with,
// it gets no byte of another request's, closes no other's, and every request counts once.
func TestNoBodyIsEverAnothers(t *testing.T) {
	w := watch(t)
	var mu sync.Mutex
	var all []*ownBody
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		b := &ownBody{id: r.URL.Path[1]}
		b.left.Store(30)
		if b.id%5 == 0 {
			b.fail = io.ErrUnexpectedEOF
		}
		mu.Lock()
		all = append(all, b)
		mu.Unlock()
		return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: b, ContentLength: 30, Request: r}, nil
	})
	rt := httpagent.Wrap(w.Agent, base)
	const workers, each = 8, 400
	var failed, closes atomic.Int32
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(worker)))
			var stale []io.ReadCloser
			closing := func(c io.Closer) {
				closes.Add(1)
				_ = c.Close()
			}
			for i := range each {
				id := byte('a' + (worker*each+i)%25)
				req, err := http.NewRequest(http.MethodGet, "https://shop.example/"+string(id), nil)
				must(t, err)
				resp, err := rt.RoundTrip(req)
				must(t, err)
				body := resp.Body
				check := func(p []byte) {
					for _, c := range p {
						if c != id {
							t.Errorf("a byte %q of another answer than %q", c, id)
						}
					}
				}
				read := func() {
					p, err := io.ReadAll(body)
					check(p)
					if errors.Is(err, io.ErrUnexpectedEOF) {
						failed.Add(1)
					}
				}
				switch rng.IntN(4) {
				case 0:
					read()
				case 1: // closed without being read
				case 2: // read and closed at the same time
					var both sync.WaitGroup
					both.Go(func() { closing(body) })
					both.Go(func() { p, _ := io.ReadAll(body); check(p) })
					both.Go(func() { closing(body) })
					both.Wait()
				case 3: // by two
					var both sync.WaitGroup
					both.Go(func() { p, _ := io.ReadAll(body); check(p) })
					p, _ := io.ReadAll(body)
					check(p)
					both.Wait()
				}
				closing(body)
				stale = append(stale, body)
				for range 3 {
					late := stale[rng.IntN(len(stale))]
					if n, err := late.Read(make([]byte, 8)); n != 0 || err != errOwnClosed {
						t.Errorf("a closed body gave %d bytes, %v", n, err)
					}
					closing(late)
				}
			}
		})
	}
	group.Wait()
	for _, b := range all {
		if n := b.closes.Load(); n < 1 {
			t.Fatalf("a body was closed %d times", n)
		}
		closes.Add(-b.closes.Load())
	}
	if n := closes.Load(); n != 0 {
		t.Errorf("%d calls of Close did not arrive", n)
	}
	spoil(w)
	counters, _ := w.seen(t)
	var n, bad uint64
	for _, c := range of(counters, "https://shop.example") {
		n += c.Count
		if c.Outcome == report.HTTPContentLengthMismatch {
			bad += c.Count
		}
	}
	if n != workers*each || bad < uint64(failed.Load()) {
		t.Errorf("%d requests counted, %d of them failed, want %d and at least %d", n, bad, workers*each, failed.Load())
	}
}

// TestBodyOverRealConnections does the like with net/http underneath, where a body closed wrongly
// would spoil a connection.
func TestBodyOverRealConnections(t *testing.T) {
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = rw.Write(bytes.Repeat([]byte{r.URL.Path[1]}, 20_000))
	})
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP2=%v", h2), func(t *testing.T) {
			s := httptest.NewUnstartedServer(handler)
			s.EnableHTTP2 = h2
			s.StartTLS()
			defer s.Close()
			pool := newTransport(t, nil)
			pool.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
			pool.ForceAttemptHTTP2 = h2
			w := watch(t)
			client := &http.Client{Transport: httpagent.Wrap(w.Agent, pool)}
			const workers, each = 6, 60
			var group sync.WaitGroup
			for worker := range workers {
				group.Go(func() {
					var stale io.ReadCloser
					for i := range each {
						id := byte('a' + (worker+i)%26)
						resp, err := client.Get(s.URL + "/" + string(id))
						if err != nil {
							t.Error(err)
							return
						}
						switch i % 3 {
						case 0:
							b, err := io.ReadAll(resp.Body)
							if err != nil || len(b) != 20_000 || b[0] != id || b[len(b)-1] != id {
								t.Errorf("%d bytes of %q, %v", len(b), id, err)
							}
						case 1: // read by half
							b := make([]byte, 1000)
							if _, err := io.ReadFull(resp.Body, b); err != nil || b[0] != id {
								t.Error(err)
							}
						case 2:
							var both sync.WaitGroup
							both.Go(func() { _, _ = io.Copy(io.Discard, resp.Body) })
							both.Go(func() { _ = resp.Body.Close() })
							both.Wait()
						}
						_ = resp.Body.Close()
						if stale != nil {
							_ = stale.Close()
							if _, err := stale.Read(make([]byte, 1)); err == nil {
								t.Error("a closed body can be read")
							}
						}
						stale = resp.Body
					}
				})
			}
			group.Wait()
			spoil(w)
			counters, _ := w.seen(t)
			var n uint64
			for _, c := range of(counters, s.URL) {
				n += c.Count
			}
			if n != workers*each {
				t.Errorf("%d requests counted, want %d: %+v", n, workers*each, counters)
			}
		})
	}
}

// TestDeadKeptConnections: net/http repeats a request whose kept connection turns out to be dead.
// It is one request.
func TestDeadKeptConnections(t *testing.T) {
	w := watch(t)
	addr := serve(t, func(c net.Conn) { after(3, func(c net.Conn) { _ = c.Close() })(c) })
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	const total = 100
	for range total {
		must(t, get(t.Context(), client, "http://"+addr))
	}
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "http://"+addr); len(got) != 1 || got[0].Count != total || got[0].Server != addr || got[0].Outcome != report.OK {
		t.Errorf("counters %+v, want %d ok", got, total)
	}
}

// TestRedirectChain: every request of a chain counts, and the bodies between them are
// http.Client's to close.
func TestRedirectChain(t *testing.T) {
	w := watch(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/aaaa" {
			http.Redirect(rw, r, r.URL.Path+"a", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.Copy(rw, r.Body)
	}))
	defer s.Close()
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	for range 10 {
		resp, err := client.Post(s.URL+"/", "text/plain", strings.NewReader("payload"))
		must(t, err)
		b, err := io.ReadAll(resp.Body)
		must(t, errors.Join(err, resp.Body.Close()))
		if string(b) != "payload" || resp.Request.URL.Path != "/aaaa" {
			t.Fatalf("%q from %s", b, resp.Request.URL)
		}
	}
	spoil(w)
	counters, _ := w.seen(t)
	byStatus := make(map[uint16]uint64)
	for _, c := range of(counters, s.URL) {
		byStatus[c.Status] += c.Count
	}
	if byStatus[200] != 10 || byStatus[307] != 40 {
		t.Errorf("counters %+v, want 10 and 40", counters)
	}
}

// writerToBody offers more than a body must.
type writerToBody struct {
	*bufio.Reader
	io.Closer
}

// TestBodyThatWritesItself: a failure to write is none of the answer's, so a body's WriteTo
// is not used.
func TestBodyThatWritesItself(t *testing.T) {
	w := watch(t)
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		body := writerToBody{bufio.NewReader(strings.NewReader("payload")), io.NopCloser(nil)}
		return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Body: body, Request: r}, nil
	})
	rt := httpagent.Wrap(w.Agent, base)
	full := errors.New("disk full")
	for _, dst := range []io.Writer{new(bytes.Buffer), writerFunc(func([]byte) (int, error) { return 0, full })} {
		req, err := http.NewRequest(http.MethodGet, "https://shop.example/", nil)
		must(t, err)
		resp, err := rt.RoundTrip(req)
		must(t, err)
		_, err = io.Copy(dst, resp.Body)
		if b, ok := dst.(*bytes.Buffer); ok && (err != nil || b.String() != "payload") || !ok && err != full {
			t.Errorf("%v, %v", dst, err)
		}
		must(t, resp.Body.Close())
	}
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "https://shop.example"); len(got) != 1 || got[0].Count != 2 || got[0].Outcome != report.OK {
		t.Errorf("counters %+v, want 2 ok", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestConnectKeepsItsConnection: the answer to CONNECT may be a connection, which stays what it is.
func TestConnectKeepsItsConnection(t *testing.T) {
	w := watch(t)
	here, there := net.Pipe()
	defer there.Close()
	rt := httpagent.Wrap(w.Agent, roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Body: here, Request: r}, nil
	}))
	req, err := http.NewRequest(http.MethodConnect, "https://shop.example/", nil)
	must(t, err)
	resp, err := rt.RoundTrip(req)
	must(t, err)
	if resp.Body != io.ReadCloser(here) {
		t.Errorf("body %T", resp.Body)
	}
	must(t, resp.Body.Close())
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "https://shop.example"); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("counters %+v", got)
	}
}

// stuckBody gives nothing and takes no notice of Close, until it fails.
type stuckBody struct {
	reading chan struct{}
	fail    chan error
}

func (b stuckBody) Read([]byte) (int, error) { close(b.reading); return 0, <-b.fail }
func (stuckBody) Close() error               { return nil }

// TestReadThatOutlivesClose: what a Read says after its body was closed is said of no
// other request.
func TestReadThatOutlivesClose(t *testing.T) {
	// else what one request puts into a sync.Pool the next may not find there
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	w := watch(t)
	stuck := stuckBody{make(chan struct{}), make(chan error)}
	rt := httpagent.Wrap(w.Agent, roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := memoryAnswer(r)
		if r.URL.Path == "/stuck" {
			resp.Body = stuck
		}
		return resp, err
	}))
	ask := func(path string) io.ReadCloser {
		req, err := http.NewRequest(http.MethodGet, "https://shop.example"+path, nil)
		must(t, err)
		resp, err := rt.RoundTrip(req)
		must(t, err)
		return resp.Body
	}
	body := ask("/stuck")
	read := make(chan error)
	go func() { _, err := body.Read(make([]byte, 1)); read <- err }()
	<-stuck.reading
	must(t, body.Close())
	next := []io.ReadCloser{ask("/a"), ask("/b")}
	broken := errors.New("broken on purpose")
	stuck.fail <- broken
	if err := <-read; err != broken {
		t.Error(err)
	}
	for _, b := range next {
		must(t, b.Close())
	}
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "https://shop.example"); len(got) != 1 || got[0].Outcome != report.OK || got[0].Count != 3 {
		t.Errorf("counters %+v, want 3 ok", got)
	}
}
