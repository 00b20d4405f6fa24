package httpagent

import (
	"context"
	"net"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"sync/atomic"
)

// hooks are httptrace's. Making them takes a dozen allocations, so they serve one request after another where that is safe.
type hooks struct {
	ctx    context.Context          // has the hooks, for whoever asks
	pooled bool                     // may serve again
	x      atomic.Pointer[exchange] // that is served; nil: none
}

// newHooks returns hooks that serve nobody yet. Hooks that ctx has already are called as well.
func newHooks(ctx context.Context) *hooks {
	h := new(hooks)
	h.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(hostPort string) { h.tell(func(x *exchange) { x.begin(hostPort) }) },
		DNSStart:             func(httptrace.DNSStartInfo) { h.tell((*exchange).resolve) },
		ConnectStart:         func(network, addr string) { h.tell(func(x *exchange) { x.connect(network, addr) }) },
		TLSHandshakeStart:    func() { h.tell((*exchange).shakeHands) },
		GotConn:              func(info httptrace.GotConnInfo) { h.tell(func(x *exchange) { x.gotConn(info) }) },
		GotFirstResponseByte: func() { h.tell((*exchange).firstByte) },
	})
	return h
}

func (h *hooks) tell(event func(*exchange)) {
	if x := h.x.Load(); x != nil {
		event(x)
	}
}

var (
	pool = sync.Pool{New: func() any {
		h := newHooks(context.Background())
		h.pooled = true
		return h
	}}
	asking  = newHooks(context.Background()).ctx // answers only to the keys under which hooks are looked for
	retired = new(hooks)                         // those of an exchange that has ended
)

// watch prepares the request that goes on.
func (x *exchange) watch() {
	if httptrace.ContextClientTrace(x.Context) == nil {
		x.watched = *x.req.WithContext(x)
		return
	}
	h := newHooks(x.Context) // the application has hooks of its own, which is rare
	h.x.Store(x)
	x.hooks.Store(h)
	x.watched = *x.req.WithContext(h.ctx)
}

// Value implements context.Context.
func (x *exchange) Value(k any) any {
	if asking.Value(k) == nil {
		return x.Context.Value(k)
	}
	h := x.hooks.Load()
	if h == nil {
		h = pool.Get().(*hooks)
		h.x.Store(x)
		if !x.hooks.CompareAndSwap(nil, h) { // somebody else was quicker, or the exchange has ended
			h.release()
			h = x.hooks.Load()
		}
	}
	if h == retired {
		return nil
	}
	return h.ctx.Value(k)
}

// retire lets go of the hooks, and returns what they have told. Another request gets them only if nobody can call them any longer: an
// http.Transport has looked for a connection once and found one of HTTP/1 that was waiting, so that it has dialled none. A dial that
// goes on in the background after its request was served otherwise would tell its progress to a stranger. Of HTTP/2 one cannot know.
func (x *exchange) retire() (server netip.AddrPort, conn net.Conn) {
	h := x.hooks.Swap(retired)
	if h == nil {
		return server, conn // nobody has asked for them
	}
	x.mu.Lock()
	server, conn = x.server, x.conn
	reused := x.begun == 1 && x.idle
	x.mu.Unlock()
	if reused && h.pooled && x.direct && x.resp != nil && x.resp.ProtoMajor == 1 {
		h.release()
	} else {
		h.x.Store(nil)
	}
	return server, conn
}

// release puts hooks that nobody else knows back.
func (h *hooks) release() {
	h.x.Store(nil)
	pool.Put(h)
}
