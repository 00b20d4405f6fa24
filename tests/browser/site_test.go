package browser

import (
	"crypto/tls"
	_ "embed"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/wasm"
)

// site serves the tests' pages and services for every name under shop.test and svc.test.
type site struct {
	server *http.Server
	port   string
	plain  string // base URL of the same without TLS

	mu       sync.Mutex
	policies map[string][]byte   // guarded by mu; by application
	asked    map[string][]string // guarded by mu; method and path of all requests, by host name
	// guarded by mu; what stands before the agent's worker script, by host name
	preludes map[string]string
}

//go:embed testdata/page.js
var pageJS string

// contentPolicies are the content security policies of the pages, by the name in their path.
var contentPolicies = map[string]string{
	"none": "",
	// What docs/browser.md tells a page to add to a policy that allows nothing.
	"strict":   "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src https: http:",
	"nowasm":   "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src https: http:",
	"noworker": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'; connect-src https: http:",
}

func newSite(cert tls.Certificate) (*site, error) {
	assets, err := wasm.Handler(wasm.Files())
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{policies: map[string][]byte{}, asked: map[string][]string{}, preludes: map[string]string{}}
	if _, s.port, err = net.SplitHostPort(ln.Addr().String()); err != nil {
		return nil, err
	}
	s.server = &http.Server{Handler: s.handler(assets), TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ReadHeaderTimeout: 5 * time.Second,
		// no HTTP/2: its connections cannot be hijacked and reset
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go func() { _ = s.server.ServeTLS(ln, "", "") }() // ends with Close
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Close()
		return nil, err
	}
	s.plain = "http://" + plain.Addr().String()
	go func() { _ = s.server.Serve(plain) }()
	return s, nil
}

// Close cuts everything.
func (s *site) Close() { _ = s.server.Close() }

func (s *site) origin(host string) string { return "https://" + net.JoinHostPort(host, s.port) }

func (s *site) setPolicy(app string, signed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policies[app] = signed
}

func (s *site) policy(app string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policies[app]
}

// Asked lists what a host name was asked for, "GET /page.js".
func (s *site) Asked(host string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked[host])
}

// setPrelude has a script run in the agent's worker before its own, on one host's pages.
func (s *site) setPrelude(host, script string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.preludes[host] = script
}

func (s *site) prelude(r *http.Request) string {
	host, _, _ := strings.Cut(r.Host, ":")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.preludes[host]
}

func (s *site) handler(assets http.Handler) http.Handler {
	mux := http.NewServeMux()
	text := func(kind, content string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, content)
		}
	}
	mux.HandleFunc("GET /{$}", text("text/html", "<!doctype html><title>elsewhere</title>"))
	mux.HandleFunc("GET /page/{csp}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "cookie-secret", Domain: "shop.test", Path: "/"})
		setPolicyHeader(w, r.PathValue("csp"))
		text("text/html", `<!doctype html><title>shop</title><script type="module" src="/page.js"></script>`)(w, r)
	})
	mux.HandleFunc("GET /page.js", text("text/javascript", pageJS))
	mux.HandleFunc("GET /assets/{csp}/", func(w http.ResponseWriter, r *http.Request) {
		csp := r.PathValue("csp")
		setPolicyHeader(w, csp)
		if prelude := s.prelude(r); prelude != "" && strings.HasSuffix(r.URL.Path, "/heliograph.worker.js") {
			worker, err := fs.ReadFile(wasm.Files(), "heliograph.worker.js")
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			text("text/javascript", prelude+"\n"+string(worker))(w, r)
			return
		}
		http.StripPrefix("/assets/"+csp, assets).ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /policy/{app}", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(s.policy(r.PathValue("app"))) })
	mux.HandleFunc("GET /app-worker.js", text("text/javascript", appWorkerJS))
	serviceRoutes(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(r.Host, ":")
		s.mu.Lock()
		s.asked[host] = append(s.asked[host], r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		w.Header().Set("Access-Control-Allow-Origin", "*")
		mux.ServeHTTP(w, r)
	})
}

func setPolicyHeader(w http.ResponseWriter, name string) {
	if csp := contentPolicies[name]; csp != "" {
		w.Header().Set("Content-Security-Policy", csp)
	}
}

// serviceRoutes are what pages ask, and how it fails.
func serviceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /api/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil {
			code = http.StatusBadRequest
		}
		w.WriteHeader(code)
	})
	mux.HandleFunc("GET /api/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /api/reset", func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if raw, ok := c.(*tls.Conn); ok {
			_ = raw.NetConn().(*net.TCPConn).SetLinger(0) // close sends RST
			_ = raw.NetConn().Close()
		}
	})
}

// appWorkerJS is a service worker of the application's own. It answers some paths itself, and all
// others with its own fetch.
const appWorkerJS = `
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/from-worker/error") event.respondWith(Response.error());
  else if (pathname === "/from-worker/503") event.respondWith(new Response("", { status: 503 }));
  else event.respondWith(fetch(event.request));
});
`
