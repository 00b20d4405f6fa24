package httpagent_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// calming is how many requests it takes at most until those to a host go out without hooks.
const calming = 20

// h2Server answers every request on an HTTP/2 connection, until bad handles one.
func h2Server(t testing.TB, a *authority, bad func(w http.ResponseWriter, r *http.Request, n int)) string {
	var n atomic.Int32
	config := &tls.Config{Certificates: []tls.Certificate{a.certificate(t, nil)}, NextProtos: []string{"h2"}}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	must(t, err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i := int(n.Add(1)); i > calming && bad != nil {
			bad(w, r, i)
			return
		}
		_, _ = io.WriteString(w, "ok")
	})}
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP2(true)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return "https://" + l.Addr().String() + "/"
}

// after answers the first requests of a connection, and hands the next one to bad.
func after(n int, bad func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for range n {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if _, err := io.WriteString(c, okAnswer); err != nil {
				return
			}
		}
		if _, err := http.ReadRequest(r); err == nil {
			bad(c)
		}
	}
}

func write(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text); _ = c.Close() }
}

// TestFaultsOfACalmHost: a request to a host that has answered all the time has no hooks. Its
// failure has the same name all the same or, where only hooks could tell, a more general one; and
// so it has the same server or none. The next failure is named exactly.
func TestFaultsOfACalmHost(t *testing.T) {
	ca := newAuthority(t)
	secure := func(bad func(net.Conn)) func(*testing.T) string {
		return func(t *testing.T) string {
			config := &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}}
			return "https://" + serveTLS(t, config, after(calming, bad)) + "/"
		}
	}
	plain := func(bad func(net.Conn)) func(*testing.T) string {
		return func(t *testing.T) string { return "http://" + serve(t, after(calming, bad)) + "/" }
	}
	h2 := func(bad func(http.ResponseWriter, *http.Request, int)) func(*testing.T) string {
		return func(t *testing.T) string { return h2Server(t, ca, bad) }
	}
	closing := func(c net.Conn) { _ = c.Close() }
	silence := func(net.Conn) {}
	const cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 100*time.Millisecond)
	}
	for _, test := range []struct {
		name     string
		want     report.Outcome
		url      func(*testing.T) string
		noServer bool
		client   func(*http.Transport)
		context  func(context.Context) (context.Context, context.CancelFunc)
	}{
		{name: "reset", want: report.TCPReset, url: plain(reset)},
		{name: "no answer", want: report.HTTPResponseEmpty, url: plain(closing)},
		{name: "truncated head", want: report.HTTPHeadersTruncated, url: plain(write("HTTP/1.1 200 OK\r\nContent-Length: 1"))},
		{name: "truncated body", want: report.HTTPContentLengthMismatch, url: plain(write(cut))},
		{name: "garbage", want: report.HTTPResponseInvalid, url: plain(write("220 mail.example ESMTP\r\n"))},
		{name: "silence", want: report.TCPTimedOut, url: plain(silence), context: deadline},
		// The silence could be DNS's as well.
		{name: "silence over TLS", want: report.NetworkTimedOut, url: secure(silence), context: deadline, noServer: true},
		{name: "reset over TLS", want: report.TCPReset, url: secure(reset)},
		// could be the handshake
		{name: "no answer over TLS", want: report.TCPClosed, url: secure(closing), noServer: true},
		{name: "truncated body over TLS", want: report.HTTPContentLengthMismatch, url: secure(write(cut))},
		{name: "silence for the transport's time", want: report.TCPTimedOut, url: secure(silence), noServer: true,
			client: func(tr *http.Transport) { tr.ResponseHeaderTimeout = 100 * time.Millisecond }},
		{name: "HTTP/2 stream reset", want: report.H2ProtocolError, noServer: true,
			url: h2(func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) })},
		{name: "HTTP/2 stream reset in the body", want: report.H2ProtocolError, url: h2(func(w http.ResponseWriter, _ *http.Request, _ int) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})},
		{name: "HTTP/2 error status", want: report.HTTPError, url: h2(func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(500) })},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := watch(t)
			url := test.url(t)
			tr := newTransport(t, ca.pool)
			if test.client != nil {
				test.client(tr)
			}
			client := &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}
			for range calming {
				must(t, get(t.Context(), client, url))
			}
			ctx := t.Context()
			if test.context != nil {
				var cancel context.CancelFunc
				ctx, cancel = test.context(ctx)
				defer cancel()
			}
			// A POST, which net/http does not repeat by itself.
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("x"))
			must(t, err)
			resp, err := client.Do(req)
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			counters, samples := w.seen(t)
			server := strings.Split(url, "/")[2]
			if test.noServer {
				server = ""
			}
			if len(counters) != 2 || counters[0].Outcome == report.OK && counters[1].Outcome == report.OK {
				t.Fatalf("counters %+v", counters)
			}
			for _, c := range counters {
				if c.Outcome == report.OK && (c.Count != calming || c.Server != strings.Split(url, "/")[2]) {
					t.Errorf("successes %+v", c)
				}
				if c.Outcome != report.OK && (c.Outcome != test.want || c.Count != 1 || c.Server != server) {
					t.Errorf("failure %+v, want %s of server %q; the client saw %v", c, test.want, server, err)
				}
			}
			if len(samples) != 1 || samples[0].Outcome != test.want || samples[0].Method != "POST" || samples[0].ElapsedMS > 10_000 {
				t.Errorf("samples %+v", samples)
			}
		})
	}
}

// TestAfterAFailureEveryRequestIsTraced: the second failure has the exact name.
func TestAfterAFailureEveryRequestIsTraced(t *testing.T) {
	ca := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}}
	var conns atomic.Int32
	addr := serveTLS(t, config, func(c net.Conn) {
		if conns.Add(1) == 1 {
			after(calming, func(c net.Conn) { _ = c.Close() })(c)
			return
		}
		readSome(c)
		_ = c.Close()
	})
	w := watch(t)
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, ca.pool))}
	for range calming {
		must(t, get(t.Context(), client, "https://"+addr))
	}
	for range 2 {
		if _, err := client.Post("https://"+addr, "text/plain", strings.NewReader("x")); err == nil {
			t.Fatal("an answer")
		}
	}
	counters, _ := w.seen(t)
	got := make(map[report.Outcome]string)
	for _, c := range counters {
		got[c.Outcome] = c.Server
	}
	if len(counters) != 3 || got[report.HTTPResponseEmpty] != addr || got[report.TCPClosed] != "" {
		t.Errorf("counters %+v", counters)
	}
}

// TestServersAreNeverConfused: two servers serve one name, each dial leads to the other, and
// connections do not live long. What is said of a server must be true.
func TestServersAreNeverConfused(t *testing.T) {
	ca := newAuthority(t)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			const total = 600
			var mu sync.Mutex
			truth := make(map[string]uint64)
			config := &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}}
			server := func(c net.Conn) {
				r := bufio.NewReader(c)
				for range 50 {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_ = req.Body.Close()
					mu.Lock()
					truth[c.LocalAddr().String()]++
					mu.Unlock()
					_, _ = io.WriteString(c, okAnswer)
				}
				// without saying so before: net/http repeats the next request elsewhere
				_ = c.Close()
			}
			var addrs [2]string
			for i := range addrs {
				if scheme == "https" {
					addrs[i] = serveTLS(t, config, server)
				} else {
					addrs[i] = serve(t, server)
				}
			}
			var dials atomic.Uint32
			tr := newTransport(t, ca.pool)
			tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, addrs[dials.Add(1)%2])
			}
			w := watch(t)
			client := &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}
			for range total {
				must(t, get(t.Context(), client, scheme+"://shop.test/"))
			}
			spoil(w)
			counters, _ := w.seen(t)
			var sum, unknown uint64
			for _, c := range of(counters, scheme+"://shop.test") {
				sum += c.Count
				if c.Server == "" {
					unknown += c.Count
				} else if c.Count > truth[c.Server] {
					t.Errorf("%d answers of %s, of which it gave %d", c.Count, c.Server, truth[c.Server])
				}
			}
			if sum != total || unknown > uint64(dials.Load()) || scheme == "http" && unknown > 0 {
				t.Errorf("%d of %d counted, %d without a server, in %d connections: %+v", sum, total, unknown, dials.Load(), counters)
			}
		})
	}
}

// TestSharedStateIsNoConnection: a RoundTripper may put one state of TLS into all its answers.
func TestSharedStateIsNoConnection(t *testing.T) {
	a, b := serve(t, keepAlive), serve(t, keepAlive)
	state := new(tls.ConnectionState)
	under := newTransport(t, nil)
	var n int
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host = "http", a
		if n++; n > calming {
			r.URL.Host = b
		}
		resp, err := under.RoundTrip(r)
		if err == nil {
			resp.TLS = state
		}
		return resp, err
	})
	w := watch(t)
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, base)}
	for range 3 * calming {
		must(t, get(t.Context(), client, "https://"+a))
	}
	spoil(w)
	counters, _ := w.seen(t)
	for _, c := range of(counters, "https://"+a) {
		if c.Server == a && c.Count > calming {
			t.Errorf("%d answers of %s, which gave %d: %+v", c.Count, a, calming, counters)
		}
	}
}

// TestQuietHostsAreAlwaysTraced: between two requests far apart anything may have happened.
func TestQuietHostsAreAlwaysTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		traced := false // as seen from underneath
		rt := httpagent.Wrap(w.Agent, roundTripper(func(r *http.Request) (*http.Response, error) {
			traced = r.Context() != t.Context()
			return memoryAnswer(r)
		}))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://shop.example/", nil)
		must(t, err)
		ask := func(pause time.Duration) bool {
			time.Sleep(pause)
			resp, err := rt.RoundTrip(req)
			must(t, err)
			must(t, resp.Body.Close())
			return traced
		}
		for range calming {
			ask(10 * time.Millisecond)
		}
		if ask(10 * time.Millisecond) {
			t.Error("a busy host is traced all the time")
		}
		for range 2 * calming {
			if !ask(1100 * time.Millisecond) {
				t.Error("a request is not traced after a pause")
			}
		}
		n := 0
		for range 1000 {
			if ask(10 * time.Millisecond) {
				n++
			}
		}
		if n < 9 || n > 11 {
			t.Errorf("of a busy host %d requests are traced in 10 seconds, want one in each", n)
		}
	})
}

// TestManyHosts: what is remembered of hosts is bounded, and forgetting does no harm.
func TestManyHosts(t *testing.T) {
	w := watch(t)
	rt := httpagent.Wrap(w.Agent, roundTripper(memoryAnswer))
	for i := range 1000 {
		req, err := http.NewRequest(http.MethodGet, "https://shop"+strconv.Itoa(i)+".example/", nil)
		must(t, err)
		for range 2 {
			resp, err := rt.RoundTrip(req)
			must(t, err)
			must(t, resp.Body.Close())
		}
	}
	spoil(w)
	counters, _ := w.seen(t)
	if len(counters) != 1001 {
		t.Errorf("%d counters, want 1001", len(counters))
	}
}

// TestAllocations: watching a request that succeeds allocates nothing. Once in a second a request
// is traced, and handles for bodies are made by the dozen, so it is the average that is promised.
func TestAllocations(t *testing.T) {
	ca := newAuthority(t)
	config := func(protocol string) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}, NextProtos: []string{protocol}}
	}
	byName := newTransport(t, ca.pool)
	named := serveTLS(t, config("http/1.1"), keepAlive)
	byName.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, named)
	}
	w := watch(t)
	for _, test := range []struct {
		name string
		base http.RoundTripper
		url  string
	}{
		{"in memory", roundTripper(memoryAnswer), "https://shop.example/"},
		{"in memory without body", roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := memoryAnswer(r)
			resp.Body = http.NoBody
			return resp, err
		}), "https://shop.example/"},
		{"HTTP/1", newTransport(t, nil), "http://" + serve(t, keepAlive) + "/"},
		{"HTTP/1 over TLS", newTransport(t, ca.pool), "https://" + serveTLS(t, config("http/1.1"), keepAlive) + "/"},
		{"HTTP/1 over TLS to a name", byName, "https://shop.test/"},
		{"HTTP/2", newTransport(t, ca.pool), h2Server(t, ca, nil)},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodGet, test.url, nil)
			must(t, err)
			plain, watched := allocations(t, test.base, req), allocations(t, httpagent.Wrap(w.Agent, test.base), req)
			want := 0.5
			if raceEnabled {
				want = 16 // the race detector has sync.Pool forget things
			}
			if watched-plain > want {
				t.Errorf("%.2f allocations instead of %.2f", watched, plain)
			}
			t.Logf("%.3f more", watched-plain)
		})
	}
}

// allocations is the average of a request once things are warm, the lowest of some: other
// goroutines allocate, too.
func allocations(t *testing.T, rt http.RoundTripper, req *http.Request) float64 {
	const runs = 300
	// what net/http allocates depends on who comes first
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ask := func() {
		resp, err := rt.RoundTrip(req)
		must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, errors.Join(err, resp.Body.Close()))
	}
	for range 100 {
		ask()
	}
	lowest := math.Inf(1)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			ask()
		}
		runtime.ReadMemStats(&after)
		lowest = min(lowest, float64(after.Mallocs-before.Mallocs)/runs)
	}
	return lowest
}
