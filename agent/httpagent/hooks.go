package httpagent

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// hooks are the hooks of httptrace. Making them takes a dozen allocations, so they are reused where
// that is safe.
type hooks struct {
	ctx    context.Context       // contains the hooks
	pooled bool                  // may be reused
	t      atomic.Pointer[trace] // the trace that they serve; nil: none
}

// newHooks returns hooks that serve no trace yet. Hooks that are already in ctx are called as well.
func newHooks(ctx context.Context) *hooks {
	h := new(hooks)
	h.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(hostPort string) { h.tell(func(t *trace) { t.begin(hostPort) }) },
		DNSStart:             func(httptrace.DNSStartInfo) { h.tell((*trace).resolve) },
		ConnectStart:         func(network, addr string) { h.tell(func(t *trace) { t.connect(network, addr) }) },
		ConnectDone:          func(_, _ string, err error) { h.tell(func(t *trace) { t.halfway(err) }) },
		TLSHandshakeStart:    func() { h.tell((*trace).shakeHands) },
		TLSHandshakeDone:     func(_ tls.ConnectionState, err error) { h.tell(func(t *trace) { t.halfway(err) }) },
		GotConn:              func(info httptrace.GotConnInfo) { h.tell(func(t *trace) { t.gotConn(info) }) },
		GotFirstResponseByte: func() { h.tell((*trace).firstByte) },
	})
	return h
}

func (h *hooks) tell(event func(*trace)) {
	if t := h.t.Load(); t != nil {
		event(t)
	}
}

var (
	pool = sync.Pool{New: func() any {
		h := newHooks(context.Background())
		h.pooled = true
		return h
	}}
	// asking has values only for the keys by which hooks are looked up
	asking  = newHooks(context.Background()).ctx
	retired = new(hooks) // the hooks of a trace that has ended
)

// Value implements context.Context.
func (t *trace) Value(k any) any {
	if k == (noteKey{}) {
		return &t.note
	}
	if asking.Value(k) == nil {
		return t.Context.Value(k)
	}
	h := t.hooks.Load()
	if h == nil {
		h = pool.Get().(*hooks)
		h.t.Store(t)
		if !t.hooks.CompareAndSwap(nil, h) { // another goroutine was faster, or the trace has ended
			h.release()
			h = t.hooks.Load()
		}
	}
	if h == retired {
		return nil
	}
	return h.ctx.Value(k)
}

// retire releases the hooks and returns what they have observed. They are reused only if they can
// no longer be called: if an http.Transport looked for a connection once and found an idle one of
// HTTP/1, so that it did not dial. Otherwise, a dial that goes on in the background after its
// request was served by another connection would report to the wrong request. With HTTP/2 this
// cannot be known. http1 says that a response by HTTP/1 has arrived.
func (t *trace) retire(http1 bool) sight {
	h := t.hooks.Swap(retired)
	if h == nil {
		return sight{} // they were never looked up
	}
	t.mu.Lock()
	s := t.sight
	t.mu.Unlock()
	// it is unknown who looks up the application's own hooks
	s.asked = h.pooled || s.begun > 0
	if s.begun == 1 && s.idle && h.pooled && t.rt.direct && http1 {
		h.release()
	} else {
		h.t.Store(nil)
	}
	return s
}

// release makes hooks available again. Nothing else refers to them.
func (h *hooks) release() {
	h.t.Store(nil)
	pool.Put(h)
}
