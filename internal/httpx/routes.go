package httpx

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WriteTimeout is the time within which a client must read an answer.
const WriteTimeout = 10 * time.Second

// Handler answers a request, or returns an error before it has written anything. An [Error] is sent
// to the client. Any other error is logged, and the client gets a generic text.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Routes makes the handlers for the routes of one service. All fields are required.
type Routes struct {
	Requests *prometheus.CounterVec   // labels: route, status code
	Duration *prometheus.HistogramVec // seconds; label: route
	Logger   *slog.Logger
	// time limits of reading the body and writing the answer, from the start of the request, unless
	// the handler sets other deadlines
	ReadTimeout, WriteTimeout time.Duration
}

// Handle returns an http.Handler for a route. It measures and limits the time of h, and turns its
// errors into answers.
func (s *Routes) Handle(name string, h Handler) http.Handler {
	seconds := s.Duration.WithLabelValues(name)
	counts := &counters{vec: s.Requests, route: name}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &Recorder{ResponseWriter: w}
		defer func() {
			if fault := recover(); fault != nil {
				s.panicked(rec, name, fault)
			}
			counts.inc(rec.status)
			seconds.Observe(time.Since(start).Seconds())
		}()
		setDeadlines(w, start, s.ReadTimeout, s.WriteTimeout)
		if err := h(rec, r); err != nil {
			s.fail(rec, name, err)
		}
	})
}

func (s *Routes) fail(w *Recorder, route string, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		s.Logger.Error("request failed", "route", route, "error", err)
		e = errInternal
	}
	w.Header().Set("Cache-Control", "no-store")
	WriteText(w, e.Status, e.Text)
}

// panicked answers a request whose handler has panicked. net/http would log the panic with the
// client's address.
func (s *Routes) panicked(w *Recorder, route string, fault any) {
	if fault == http.ErrAbortHandler {
		panic(fault) // net/http cuts the connection and logs nothing
	}
	s.Logger.Error("panic in a handler", "route", route, "panic", fault, "stack", string(debug.Stack()))
	if w.status == 0 {
		WriteText(w, errInternal.Status, errInternal.Text)
	}
}

var errInternal = NewError(http.StatusInternalServerError, "internal error")

// SetDeadlines sets the time limits, from now on, of reading the body and of writing the answer. It
// does nothing if w does not support deadlines, like the recorder of a test.
func SetDeadlines(w http.ResponseWriter, read, write time.Duration) {
	setDeadlines(w, time.Now(), read, write)
}

func setDeadlines(w http.ResponseWriter, now time.Time, read, write time.Duration) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(now.Add(read))
	_ = rc.SetWriteDeadline(now.Add(write))
}

// counters caches the counters of one route by status.
type counters struct {
	vec   *prometheus.CounterVec
	route string
	known [600]atomic.Pointer[prometheus.Counter]
}

// inc counts an answer. Status 0 means that the handler has written nothing; net/http
// then sends 200.
func (c *counters) inc(status int) {
	if status == 0 {
		status = http.StatusOK
	}
	if status < 0 || status >= len(c.known) {
		c.vec.WithLabelValues(c.route, strconv.Itoa(status)).Inc()
		return
	}
	known := c.known[status].Load()
	if known == nil {
		counter := c.vec.WithLabelValues(c.route, strconv.Itoa(status))
		known = &counter
		c.known[status].Store(known)
	}
	(*known).Inc()
}
