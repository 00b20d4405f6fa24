package relay

import (
	"net/http"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

func (r *Relay) routes() http.Handler {
	routes := &httpx.Routes{
		Requests: r.metrics.requests, Duration: r.metrics.duration, Logger: r.o.Logger,
		ReadTimeout: r.o.BodyTimeout, WriteTimeout: r.o.BodyTimeout + r.o.GatewayTimeout + httpx.WriteTimeout,
	}
	m := http.NewServeMux()
	handle := func(pattern, name string, h httpx.Handler) { m.Handle(pattern, routes.Handle(name, anyOrigin(h))) }
	handle("POST "+protocol.PathOblivious, "oblivious", r.serveRequest)
	handle("OPTIONS "+protocol.PathOblivious, "preflight", preflight)
	handle("GET "+protocol.PathObliviousKeys, "keys", r.serveKeys)
	handle(protocol.PathOblivious, "other", notAllowed)
	handle(protocol.PathObliviousKeys, "other", notAllowed)
	handle("/", "other", func(w http.ResponseWriter, req *http.Request) error {
		httpx.LeaveBody(w, req)
		return httpx.NewError(http.StatusNotFound, "no such path")
	})
	return m
}

// anyOrigin allows pages of any origin to use the relay. This is safe because nothing depends on
// cookies.
func anyOrigin(h httpx.Handler) httpx.Handler {
	return func(w http.ResponseWriter, req *http.Request) error {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After, "+protocol.HeaderGatewayKeys)
		return h(w, req)
	}
}

// preflight answers a CORS preflight (Fetch, section 4.8).
func preflight(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "content-type")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func notAllowed(w http.ResponseWriter, req *http.Request) error {
	httpx.LeaveBody(w, req)
	return httpx.NewError(http.StatusMethodNotAllowed, "method not allowed")
}

// serveKeys sends clients the collector's key configurations and their signature.
func (r *Relay) serveKeys(w http.ResponseWriter, req *http.Request) error {
	list, signed, err := r.gateway.Load().keyConfigs(req.Context())
	if err != nil {
		return httpx.NewError(http.StatusBadGateway, "the collector's keys cannot be had")
	}
	h := w.Header()
	h.Set("Content-Type", ohttp.MediaTypeKeys)
	h.Set("Cache-Control", "no-cache") // clients ask after they were told that their keys are old
	if signed != "" {
		h.Set(protocol.HeaderGatewayKeys, signed)
	}
	_, _ = w.Write(list)
	return nil
}
