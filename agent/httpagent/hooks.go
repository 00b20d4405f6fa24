package httpagent

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// hooks are httptrace's. Making them takes a dozen allocations, so they serve one request after
// another where that is safe.
type hooks struct {
	ctx    context.Context       // has the hooks, for whoever asks
	pooled bool                  // may serve again
	t      atomic.Pointer[trace] // that is served; nil: none
}

// newHooks returns hooks that serve nobody yet. Hooks that ctx has already are called as well.
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
	// answers only to the keys under which hooks are looked for
	asking  = newHooks(context.Background()).ctx
	retired = new(hooks) // those of a trace that has ended
)

// Value implements context.Context.
func (t *trace) Value(k any) any {
	if k == (tracedKey{}) {
		return t
	}
	if asking.Value(k) == nil {
		return t.Context.Value(k)
	}
	h := t.hooks.Load()
	if h == nil {
		h = pool.Get().(*hooks)
		h.t.Store(t)
		if !t.hooks.CompareAndSwap(nil, h) { // somebody else was quicker, or the trace has ended
			h.release()
			h = t.hooks.Load()
		}
	}
	if h == retired {
		return nil
	}
	return h.ctx.Value(k)
}

// retire lets go of the hooks, and returns what they have told. Another request gets them only if
// nobody can call them any longer: an http.Transport has looked for a connection once and found one
// of HTTP/1 that was waiting, so that it has dialled none. A dial that goes on in the background
// after its request was served otherwise would tell its progress to a stranger. Of HTTP/2 one
// cannot know. http1 says that an answer of HTTP/1 has come.
func (t *trace) retire(http1 bool) sight {
	h := t.hooks.Swap(retired)
	if h == nil {
		return sight{} // nobody has asked for them
	}
	t.mu.Lock()
	s := t.sight
	t.mu.Unlock()
	// of the application's own hooks nobody knows who asks for them
	s.asked = h.pooled || s.begun > 0
	if s.begun == 1 && s.idle && h.pooled && t.direct && http1 {
		h.release()
	} else {
		h.t.Store(nil)
	}
	return s
}

// release puts hooks that nobody else knows back.
func (h *hooks) release() {
	h.t.Store(nil)
	pool.Put(h)
}
