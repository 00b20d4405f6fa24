package relay

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
)

// httpError is an error that a client may read.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

// handler answers a request, or returns an error before it has written anything.
type handler func(w http.ResponseWriter, r *http.Request) *httpError

func (r *Relay) routes() http.Handler {
	m := http.NewServeMux()
	m.Handle("POST "+protocol.PathOblivious, r.serve("oblivious", r.forward))
	m.Handle("OPTIONS "+protocol.PathOblivious, r.serve("preflight", preflight))
	m.Handle("GET "+protocol.PathObliviousKeys, r.serve("keys", r.serveKeys))
	m.Handle("/", r.serve("other", func(w http.ResponseWriter, req *http.Request) *httpError {
		w.Header().Set("Connection", "close") // rather than read what it may send
		if req.URL.Path == protocol.PathOblivious || req.URL.Path == protocol.PathObliviousKeys {
			return &httpError{http.StatusMethodNotAllowed, "method not allowed"}
		}
		return &httpError{http.StatusNotFound, "no such path"}
	}))
	return m
}

// preflight answers a CORS preflight (Fetch, section 4.8): pages of any origin may use the relay,
// for nothing here depends on cookies.
func preflight(w http.ResponseWriter, _ *http.Request) *httpError {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "content-type")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// writeTimeout is what a client has to take an answer.
const writeTimeout = 10 * time.Second

// serve measures a handler, bounds its time, and is the one place where its errors become answers.
func (r *Relay) serve(route string, h handler) http.Handler {
	seconds := r.metrics.duration.WithLabelValues(route)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		start := time.Now()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if fault := recover(); fault != nil { // net/http would log it with the client's address
				r.o.Logger.Error("panic in a handler", "route", route, "panic", fault, "stack", string(debug.Stack()))
				if !sw.wrote {
					writeText(sw, &httpError{http.StatusInternalServerError, "internal error"})
				}
			}
			r.metrics.requests.WithLabelValues(route, strconv.Itoa(sw.status)).Inc()
			seconds.Observe(time.Since(start).Seconds())
		}()
		rc := http.NewResponseController(sw)
		_ = rc.SetReadDeadline(start.Add(r.o.BodyTimeout))
		_ = rc.SetWriteDeadline(start.Add(r.o.BodyTimeout + r.o.GatewayTimeout + writeTimeout))
		header := sw.Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Access-Control-Expose-Headers", "Retry-After, "+protocol.HeaderGatewayKeys)
		if err := h(sw, req); err != nil {
			writeText(sw, err)
		}
	})
}

func writeText(w http.ResponseWriter, e *httpError) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(e.status)
	_, _ = w.Write([]byte(e.text + "\n"))
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

func (w *statusWriter) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
