package collector

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/heliograph-net/heliograph/internal/protocol"
)

// httpError is an error that a client may read. Any other error of a handler is answered with a
// generic text.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

// handler answers a request, or returns an error before it has written anything.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes maps paths to handlers. A route's name, its label in the metrics, is its path
// without "/v1/".
func (c *Collector) routes() http.Handler {
	r := mux.NewRouter()
	route := func(path, methods, headers string, h handler) {
		name := strings.TrimPrefix(path, "/v1/")
		r.Handle(path, c.serve(name, h)).Methods(strings.Split(methods, ", ")...)
		if headers != "" { // pages of other origins may use it
			r.Handle(path, c.serve(name, preflight(methods, headers))).Methods(http.MethodOptions)
			methods += ", OPTIONS"
		}
		r.Handle(path, c.serve(name, notAllowed(methods, headers != "")))
	}
	route(protocol.PathBatches, "POST", "content-type, heliograph-batch, heliograph-delivery", c.serveBatch)
	route(protocol.PathReports, "POST", "content-type", c.serveReports)
	route(protocol.PathPolicy, "GET, HEAD", "if-none-match", c.servePolicy)
	route(protocol.PathFeed, "GET", "", c.serveFeed)
	route(protocol.PathOblivious, "POST", "", c.serveOblivious)
	route(protocol.PathObliviousKeys, "GET, HEAD", "", c.serveObliviousKeys)
	r.NotFoundHandler = c.serve("other", func(http.ResponseWriter, *http.Request) error {
		return &httpError{http.StatusNotFound, "no such path"}
	})
	return c.shortcut(protocol.PathBatches, r)
}

// shortcut takes the one request that comes thousands of times a second past the router, which
// copies each request.
func (c *Collector) shortcut(path string, router http.Handler) http.Handler {
	batches := c.serve(strings.TrimPrefix(path, "/v1/"), c.serveBatch)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path && r.Method == http.MethodPost {
			batches.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

// preflight answers a CORS preflight (Fetch, section 4.8): pages of any origin may send, for
// nothing here depends on cookies.
func preflight(methods, headers string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		allowOrigins(w)
		allowPrivateNetwork(w, r)
		w.Header().Set("Access-Control-Allow-Methods", methods)
		w.Header().Set("Access-Control-Allow-Headers", headers)
		w.Header().Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

func allowOrigins(w http.ResponseWriter) {
	h := w.Header()
	h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = anyOrigin, exposed
}

// allowPrivateNetwork answers older versions of Chromium, which ask before a page of the internet
// reaches a private address, as a collector of an intranet has one (Private Network Access; Local
// Network Access, with a question to the user, has taken its place). There is nothing here that the
// address would protect.
func allowPrivateNetwork(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		w.Header().Set("Access-Control-Allow-Private-Network", "true")
	}
}

func notAllowed(allow string, origins bool) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		if origins {
			allowOrigins(w)
		}
		w.Header().Set("Allow", allow)
		return &httpError{http.StatusMethodNotAllowed, "method not allowed"}
	}
}

// serve measures a handler, bounds its time, and is the one place where its errors become answers.
func (c *Collector) serve(name string, h handler) http.Handler {
	seconds := c.metrics.duration.WithLabelValues(name)
	accepted := c.metrics.requests.WithLabelValues(name, "202")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if fault := recover(); fault != nil {
				c.panicked(sw, name, fault)
			}
			if sw.status == http.StatusAccepted {
				accepted.Inc()
			} else {
				c.metrics.requests.WithLabelValues(name, statusLabel(sw.status)).Inc()
			}
			seconds.Observe(time.Since(start).Seconds())
		}()
		c.deadlines(sw, c.o.UploadTimeout, c.o.UploadTimeout+c.o.CommitTimeout+writeTimeout)
		if err := h(sw, r); err != nil {
			c.fail(sw, name, err)
		}
	})
}

// writeTimeout is what a client has to take an answer.
const writeTimeout = 10 * time.Second

// deadlines bounds the reading of the body and the writing of the answer. A server that cannot,
// such as a test's recorder, is left alone.
func (c *Collector) deadlines(w http.ResponseWriter, read, write time.Duration) {
	now, rc := time.Now(), http.NewResponseController(w)
	_ = rc.SetReadDeadline(now.Add(read))
	_ = rc.SetWriteDeadline(now.Add(write))
}

func (c *Collector) fail(w *statusWriter, name string, err error) {
	if e, ok := errors.AsType[*httpError](err); ok {
		writeText(w, e.status, e.text)
		return
	}
	c.o.Logger.Error("request failed", "route", name, "error", err)
	writeText(w, http.StatusInternalServerError, "internal error")
}

// panicked answers what net/http would log with the peer's address.
func (c *Collector) panicked(w *statusWriter, name string, fault any) {
	if fault == http.ErrAbortHandler {
		panic(fault) // net/http cuts the connection and logs nothing
	}
	c.o.Logger.Error("panic in a handler", "route", name, "panic", fault, "stack", string(debug.Stack()))
	if !w.wrote {
		writeText(w, http.StatusInternalServerError, "internal error")
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// statusWriter remembers the status. Unwrap lets http.ResponseController through.
type statusWriter struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *statusWriter) WriteHeader(status int) {
	w.status, w.wrote = status, true
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
