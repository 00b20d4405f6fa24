package httpserve

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// requests knows which connections send something that is not a request. net/http answers that
// itself and does not report it. It is safe for concurrent use.
type requests struct {
	failures failures

	mu   sync.Mutex
	open map[net.Conn]*incoming // owned by mu
}

// incoming describes what a connection sent last.
type incoming struct {
	active  bool        // something arrived; owned by requests.mu
	request atomic.Bool // it was a request
}

type incomingKey struct{}

func newRequests(f failures) *requests {
	return &requests{failures: f, open: map[net.Conn]*incoming{}}
}

// context is the ConnContext hook of an http.Server.
func (r *requests) context(ctx context.Context, c net.Conn) context.Context {
	in := new(incoming)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[c] = in
	return context.WithValue(ctx, incomingKey{}, in)
}

// handler records that a request has arrived, and then calls next.
func (r *requests) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if in, ok := req.Context().Value(incomingKey{}).(*incoming); ok {
			in.request.Store(true)
		}
		next.ServeHTTP(w, req)
	})
}

// changed is the ConnState hook of an http.Server. A connection becomes active when net/http has
// read the head of a request, or something that it took for one.
func (r *requests) changed(c net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.open[c]
	if in == nil {
		return
	}
	switch state {
	case http.StateActive:
		in.active = true
	case http.StateIdle:
		in.active = false
		in.request.Store(false)
	case http.StateClosed, http.StateHijacked:
		if in.active && !in.request.Load() {
			r.failures.count(failedNotHTTP)
		}
		delete(r.open, c)
	}
}
