package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/wasm"
)

//go:embed web
var files embed.FS

func web() fs.FS {
	f, err := fs.Sub(files, "web")
	if err != nil {
		panic(err) // the pattern above embeds it
	}
	return f
}

// stage is what the pages need: a site, a collector, and a port that refuses. All is plain HTTP
// on loopback.
type stage struct {
	dir     string
	node    *roles.Process
	stop    func() error // the node
	site    *http.Server
	base    string // URL of the site
	refuses string // base URL
	policy  []byte
	sizes   map[string]int // of the scripts, gzip bytes, by variant
	// when an upload came to the collector; the oldest wait, others are dropped
	arrived chan time.Time
}

func startStage(ctx context.Context, dir string, peer []byte) (st *stage, err error) {
	assets, err := wasm.Handler(wasm.Files())
	if err != nil {
		return nil, fmt.Errorf("%w (make wasm does it here, too)", err)
	}
	st = &stage{dir: dir, sizes: map[string]int{}, arrived: make(chan time.Time, 1)}
	shim, err := fs.ReadFile(wasm.Files(), "heliograph.js")
	if err != nil {
		return nil, err
	}
	for name, script := range map[string][]byte{"heliograph": shim, "sentry": peer} {
		if st.sizes[name], err = gzipped(script); err != nil {
			return nil, err
		}
	}
	if err := st.startNode(ctx); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	st.base = "http://" + ln.Addr().String()
	if st.refuses, err = closedURL(); err != nil {
		return nil, err
	}
	if err := st.sign(); err != nil {
		return nil, err
	}
	st.site = &http.Server{Handler: st.handler(peer, assets), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = st.site.Serve(ln) }() // ends with close
	return st, nil
}

func (st *stage) startNode(ctx context.Context) error {
	data := filepath.Join(st.dir, "node")
	config := "collector: {listen: \"127.0.0.1:0\"}\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n"
	if err := roles.Init(data, roles.InitOptions{Config: []byte(config)}); err != nil {
		return err
	}
	c, err := roles.Load(filepath.Join(data, roles.ConfigName))
	if err != nil {
		return err
	}
	st.node, err = roles.New(ctx, roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	st.stop = lifecycle.Background(st.node.Run)
	return nil
}

// sign makes a policy whose collector is behind the site, which notes when uploads come.
func (st *stage) sign() error {
	data := filepath.Join(st.dir, "node")
	text := fmt.Sprintf("version: 2\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors: [{id: c1, url: %q, priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]\n",
		st.base)
	file := filepath.Join(data, "bench-policy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	var err error
	st.policy, err = roles.SignPolicyFile(file, filepath.Join(data, "keys/policy.pem"), time.Now())
	return err
}

func (st *stage) handler(peer []byte, assets http.Handler) http.Handler {
	mux := http.NewServeMux()
	own := web()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, own, "page.html") })
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, own, "page.js") })
	mux.HandleFunc("GET /policy", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(st.policy) })
	mux.HandleFunc("GET /sentry.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(peer)
	})
	mux.Handle("GET /assets/", cached(http.StripPrefix("/assets", assets)))
	collector := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: st.node.CollectorAddr}) }}
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			select {
			case st.arrived <- time.Now():
			default:
			}
		}
		collector.ServeHTTP(w, r)
	})
	return mux
}

// cached lets browsers keep what h serves, as a page in production does.
func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(cacheWriter{w}, r) })
}

type cacheWriter struct{ http.ResponseWriter }

func (c cacheWriter) WriteHeader(status int) {
	c.Header().Set("Cache-Control", "max-age=3600")
	c.ResponseWriter.WriteHeader(status)
}

func (st *stage) page(variant string) string { return st.base + "/page?with=" + variant }

func (st *stage) close() {
	_ = st.site.Close()
	_ = st.stop()
}

func closedURL() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return "http://" + ln.Addr().String(), ln.Close()
}

func gzipped(b []byte) (int, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := z.Write(b); err != nil {
		return 0, err
	}
	err = z.Close()
	return out.Len(), err
}
