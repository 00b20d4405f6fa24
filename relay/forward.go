package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

// Causes for which a client is told to try later: values of a metric's label.
const (
	shedPlaces      = "places"       // MaxRequests are in flight
	shedNetwork     = "network"      // the client's network sends too much
	shedNewNetworks = "new_networks" // too many networks that were not seen before
	shedStopping    = "stopping"     // the relay drains
)

// serveRequest forwards an encapsulated request if fewer than MaxRequests are in flight.
func (r *Relay) serveRequest(w http.ResponseWriter, req *http.Request) error {
	if !httpx.HasType(req.Header, ohttp.MediaTypeRequest) {
		httpx.LeaveBody(w, req)
		return httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Type "+ohttp.MediaTypeRequest)
	}
	if !httpx.Plain(req.Header) {
		httpx.LeaveBody(w, req)
		return httpx.ErrCoded
	}
	if !r.gate.Enter() {
		return r.later(w, req, http.StatusServiceUnavailable, shedStopping)
	}
	defer r.gate.Leave()
	if !r.requests.Enter() {
		return r.later(w, req, http.StatusServiceUnavailable, shedPlaces)
	}
	defer r.requests.Leave()
	now := time.Now()
	network := r.networks.Network(now, httpx.Peer(req))
	switch r.networks.Enter(now, network) {
	case httpx.OfNetwork:
		return r.later(w, req, http.StatusTooManyRequests, shedNetwork)
	case httpx.OfNetworks:
		return r.later(w, req, http.StatusServiceUnavailable, shedNewNetworks)
	}
	defer r.networks.Leave(network)
	return r.forward(w, req)
}

// forward sends a request to the collector and its answer to the client.
func (r *Relay) forward(w http.ResponseWriter, req *http.Request) error {
	body, err := httpx.ReadBody(w, req, protocol.MaxObliviousRequest)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return httpx.NewError(http.StatusBadRequest, "body is empty")
	}
	ctx, cancel := context.WithTimeout(req.Context(), r.o.GatewayTimeout)
	defer cancel()
	defer context.AfterFunc(r.working, cancel)()
	g := r.gateway.Load()
	resp, answer, err := g.ask(ctx, httpx.Peer(req), body)
	switch {
	case err == nil:
		return handBack(w, g, resp, answer)
	case r.working.Err() != nil:
		return r.later(w, req, http.StatusServiceUnavailable, shedStopping)
	default:
		return g.failed(ctx, err)
	}
}

// handBack sends the collector's answer to the client: an encapsulated response, or one of the
// errors that a gateway may return (RFC 9458, section 5.2).
func handBack(w http.ResponseWriter, g *gateway, resp *http.Response, answer []byte) error {
	kind := httpx.MediaType(resp.Header)
	switch {
	case resp.StatusCode == http.StatusOK && kind == ohttp.MediaTypeResponse:
	case resp.StatusCode < 400 || resp.StatusCode > 599:
		g.note("the collector's answer is none of a gateway's; is the gateway URL right?", nil)
		return httpx.NewError(http.StatusBadGateway, "the collector gave no answer of a gateway")
	case kind != "application/problem+json" && kind != "text/plain":
		kind, answer = "text/plain", nil // the page of some proxy
	}
	g.note("", nil)
	if resp.StatusCode == http.StatusUnprocessableEntity { // the client will ask for other keys
		g.keys.expire(time.Now())
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if after, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		h.Set("Retry-After", strconv.FormatUint(after, 10))
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer) // a client that has disconnected will ask again
	return nil
}

// failed returns the error to answer the client with when the collector fails.
func (g *gateway) failed(ctx context.Context, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return httpx.NewError(http.StatusGatewayTimeout, "the client went away")
	case ctx.Err() != nil:
		g.note("the collector did not answer in time", ctx.Err())
		return httpx.NewError(http.StatusGatewayTimeout, "the collector did not answer in time")
	default:
		g.note("the collector cannot be reached", err)
		return httpx.NewError(http.StatusBadGateway, "the collector cannot be reached")
	}
}

// later tells a client to try again in 5 to 10 s.
func (r *Relay) later(w http.ResponseWriter, req *http.Request, status int, cause string) error {
	httpx.LeaveBody(w, req)
	r.metrics.shed.WithLabelValues(cause).Inc()
	w.Header().Set("Retry-After", strconv.Itoa(5+rand.N(6)))
	return httpx.NewError(status, "come later")
}
