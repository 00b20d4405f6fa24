package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

// Causes for which a request is told to come later before its body is read: values of a
// metric's label.
const (
	shedPlaces = "places" // MaxRequests are in flight
	shedSource = "source" // its network sends too much
)

// forward hands one encapsulated request on, and the answer back. It never sends a request twice:
// the collector would take the second for a replay, and only the client can make another (RFC 9458,
// section 6.5).
func (r *Relay) forward(w http.ResponseWriter, req *http.Request) *httpError {
	if mediaType(req.Header.Get("Content-Type")) != ohttp.MediaTypeRequest {
		leaveBody(w)
		return &httpError{http.StatusUnsupportedMediaType, "want Content-Type " + ohttp.MediaTypeRequest}
	}
	if r.inFlight.Add(1) > int64(r.o.MaxRequests) {
		r.inFlight.Add(-1)
		return r.later(w, http.StatusServiceUnavailable, shedPlaces)
	}
	defer r.inFlight.Add(-1)
	client := clientAddr(req)
	place, ok := r.sources.enter(time.Now(), client)
	if !ok {
		return r.later(w, http.StatusTooManyRequests, shedSource)
	}
	defer r.sources.leave(place)
	body, fault := readBody(w, req)
	if fault != nil {
		return fault
	}
	ctx, cancel := context.WithTimeout(req.Context(), r.o.GatewayTimeout)
	defer cancel()
	out, err := r.outgoing(ctx, client, body)
	if err != nil {
		return r.gatewayFailed(ctx, err)
	}
	resp, err := r.client.Do(out)
	if err != nil {
		return r.gatewayFailed(ctx, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, protocol.MaxObliviousResponse+1))
	if err != nil || len(answer) > protocol.MaxObliviousResponse {
		return r.gatewayFailed(ctx, errors.Join(err, errors.New("the answer is too long or broke off")))
	}
	return r.handBack(w, resp, answer)
}

// outgoing makes the request to the collector. Nothing in it is the client's but the body and
// the network.
func (r *Relay) outgoing(ctx context.Context, client netip.Addr, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.o.Gateway+protocol.PathOblivious, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // sent once
	req.Header["User-Agent"] = nil
	req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	if len(r.o.Key) != 0 {
		network := r.network(client).String()
		req.Header.Set(protocol.HeaderNetwork, network)
		req.Header.Set("Authorization", auth.SignRelay(r.o.Key, r.o.Collector, network, body, time.Now()))
	}
	return req, nil
}

// network is what may be told of a client. What Networks returns is checked: a bad country would
// be refused.
func (r *Relay) network(client netip.Addr) auth.Network {
	n := auth.Network{Country: "ZZ"}
	if r.o.Networks != nil {
		asn, country := r.o.Networks.Lookup(client)
		if found := (auth.Network{ASN: asn, Country: country}); validNetwork(found) {
			n = found
		}
	}
	return n
}

func validNetwork(n auth.Network) bool {
	_, err := auth.ParseNetwork(n.String())
	return err == nil
}

// handBack passes an answer on: what is encapsulated, and the errors that a gateway has (RFC 9458,
// section 5.2).
func (r *Relay) handBack(w http.ResponseWriter, resp *http.Response, answer []byte) *httpError {
	kind := mediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode == http.StatusOK && kind == ohttp.MediaTypeResponse:
	case resp.StatusCode < 400 || resp.StatusCode > 599:
		r.noteGateway("the collector's answer is none of a gateway's; is the gateway URL right?", nil)
		return &httpError{http.StatusBadGateway, "the collector gave no answer of a gateway"}
	case kind != "application/problem+json" && kind != "text/plain":
		kind, answer = "text/plain", nil // some proxy's page
	}
	r.noteGateway("", nil)
	if resp.StatusCode == http.StatusUnprocessableEntity { // the client will ask for other keys
		r.keys.expire(time.Now())
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if after, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		h.Set("Retry-After", strconv.FormatUint(after, 10))
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer) // a client that went away will ask again
	return nil
}

// noteGateway logs when the collector begins to fail and when it answers again, "", not every
// request between.
func (r *Relay) noteGateway(fault string, err error) {
	switch failed := r.failing.Swap(fault != ""); {
	case fault != "" && !failed:
		r.o.Logger.Warn(fault, "error", err)
	case fault == "" && failed:
		r.o.Logger.Info("the collector answers again")
	}
}

// gatewayFailed makes a failure of the collector the client's answer.
func (r *Relay) gatewayFailed(ctx context.Context, err error) *httpError {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // the client went away
		return &httpError{http.StatusGatewayTimeout, "the client went away"}
	case ctx.Err() != nil:
		r.noteGateway("the collector did not answer in time", ctx.Err())
		return &httpError{http.StatusGatewayTimeout, "the collector did not answer in time"}
	default:
		r.noteGateway("the collector cannot be reached", err)
		return &httpError{http.StatusBadGateway, "the collector cannot be reached"}
	}
}

// later tells a client to come back in 5 to 10 s.
func (r *Relay) later(w http.ResponseWriter, status int, cause string) *httpError {
	leaveBody(w)
	r.metrics.shed.WithLabelValues(cause).Inc()
	w.Header().Set("Retry-After", strconv.Itoa(5+rand.N(6)))
	return &httpError{status, "come later"}
}

// readBody reads an encapsulated request into a buffer that grows with what has arrived. The read
// deadline is set already.
func readBody(w http.ResponseWriter, req *http.Request) ([]byte, *httpError) {
	if req.ContentLength > protocol.MaxObliviousRequest {
		leaveBody(w)
		return nil, &httpError{http.StatusRequestEntityTooLarge, "body is too large"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, protocol.MaxObliviousRequest))
	if err == nil && len(body) > 0 {
		return body, nil
	}
	leaveBody(w)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &httpError{http.StatusRequestEntityTooLarge, "body is too large"}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &httpError{http.StatusRequestTimeout, "body did not arrive in time"}
	}
	return nil, &httpError{http.StatusBadRequest, "body is empty or broke off"}
}

// leaveBody prepares an answer to a request whose body stays unread.
func leaveBody(w http.ResponseWriter) { w.Header().Set("Connection", "close") }

func mediaType(header string) string {
	t, _, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return t
}

// clientAddr is the address of the connection's other end, without its zone.
func clientAddr(req *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
