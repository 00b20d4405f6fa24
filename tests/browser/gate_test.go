package browser

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// gate is the way to the collector: TLS by name, and a handle on what gets through.
type gate struct {
	t       *testing.T
	addr    string      // host:port
	conf    *tls.Config // nil: plain HTTP
	forward http.Handler

	mu       sync.Mutex
	server   *http.Server  // guarded by mu; nil: closed, connections are refused
	answer   chan struct{} // guarded by mu; not nil: answers are held back until it closes
	holding  int           // guarded by mu; answers that are held back now
	requests []gateRequest // guarded by mu
}

// gateRequest is a request that came to the gate.
type gateRequest struct {
	Method, Path string
	Header       http.Header
}

// newGate opens a gate with TLS, newPlainGate one without.
func newGate(t *testing.T, r *rig) *gate {
	t.Helper()
	return openGate(t, r, "127.0.0.3:0", &tls.Config{Certificates: []tls.Certificate{r.cert}})
}

func newPlainGate(t *testing.T, r *rig) *gate {
	t.Helper()
	return openGate(t, r, "127.0.0.1:0", nil)
}

func openGate(t *testing.T, r *rig, addr string, conf *tls.Config) *gate {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: r.node.CollectorAddr}
	g := &gate{t: t, addr: addr, conf: conf, forward: &httputil.ReverseProxy{
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target) },
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	g.Open()
	t.Cleanup(g.Close)
	return g
}

// URL is where the policy says that the collector is.
func (g *gate) URL() string {
	if g.conf == nil {
		return "http://" + g.addr
	}
	_, port, err := net.SplitHostPort(g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	return "https://gate.shop.test:" + port
}

// Open listens.
func (g *gate) Open() {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	ln, err := net.Listen("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.addr = ln.Addr().String()
	g.server = &http.Server{Handler: g, TLSConfig: g.conf.Clone(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go func(s *http.Server) { // ends with Close
		if g.conf == nil {
			_ = s.Serve(ln)
		} else {
			_ = s.ServeTLS(ln, "", "")
		}
	}(g.server)
}

// Close cuts all connections and refuses new ones.
func (g *gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.server != nil {
		_ = g.server.Close()
		g.server = nil
	}
}

// HoldAnswers lets requests reach the collector and keeps its answers back until release is called.
func (g *gate) HoldAnswers() (release func()) {
	held := make(chan struct{})
	g.mu.Lock()
	g.answer = held
	g.mu.Unlock()
	return sync.OnceFunc(func() {
		g.mu.Lock()
		g.answer = nil
		g.mu.Unlock()
		close(held)
	})
}

// ServeHTTP notes the request and passes it on.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.requests = append(g.requests, gateRequest{r.Method, r.URL.Path, r.Header.Clone()})
	held := g.answer
	g.mu.Unlock()
	if held == nil || r.Method != http.MethodPost {
		g.forward.ServeHTTP(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	g.forward.ServeHTTP(&lateWriter{ResponseWriter: w, gate: g, held: held, gone: r.Context().Done()}, r)
}

// lateWriter begins its answer when it may, or when the client has gone.
type lateWriter struct {
	http.ResponseWriter
	gate       *gate
	held, gone <-chan struct{}
}

func (l *lateWriter) WriteHeader(status int) {
	l.gate.hold(1)
	select {
	case <-l.held:
	case <-l.gone:
	}
	l.gate.hold(-1)
	l.ResponseWriter.WriteHeader(status)
}

func (g *gate) hold(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding += n
}

// Holding is how many clients wait for an answer that is held back.
func (g *gate) Holding() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.holding
}

// Requests are those that came so far.
func (g *gate) Requests() []gateRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// Posts counts the uploads that came so far.
func (g *gate) Posts() (n int) {
	for _, r := range g.Requests() {
		if r.Method == http.MethodPost && r.Path == "/v1/batches" {
			n++
		}
	}
	return n
}

// AwaitPosts waits until n uploads have come.
func (g *gate) AwaitPosts(n int) {
	g.t.Helper()
	await(g.t, "uploads reach the collector", func() bool { return g.Posts() >= n })
}

// await polls until done, for as long as patience lasts.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in %v it never happens that %s", patience, what)
		}
	}
}
