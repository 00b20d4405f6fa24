package collector

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

// relaySkew is how far a relay's clock may differ from the collector's, and how long a relay's
// signature is valid.
const relaySkew = 2 * time.Minute

// unknownNetwork returns the network of a client that no known relay vouches for. Only the peer of
// the request is known, so all clients of an unknown relay share one network.
func unknownNetwork(s *settings, r *http.Request, now time.Time) auth.Network {
	return auth.Network{Country: unknownCountry, Bucket: s.places.Bucket(now, s.client(r))}
}

// readOblivious prepares the gateway.
func (s *settings) readOblivious() error {
	for i, key := range s.RelayKeys {
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("collector: RelayKeys[%d] must be an Ed25519 public key of %d bytes, has %d", i, ed25519.PublicKeySize, len(key))
		}
	}
	if len(s.ObliviousKeys) == 0 {
		return nil
	}
	var err error
	if s.gateway, err = ohttp.NewGateway(s.ObliviousKeys...); err != nil {
		return fmt.Errorf("collector: ObliviousKeys: %w", err)
	}
	return nil
}

// The results of requests to the gateway, which are values of a metric's label.
const (
	obliviousAnswered  = "answered"  // with an encapsulated response, even if that is an error
	obliviousShed      = "shed"      // before its body was read
	obliviousUnread    = "unread"    // its body did not arrive, or is too large
	obliviousMalformed = "malformed" // not an encapsulated request
	obliviousKey       = "key"       // sealed to an unknown key, or altered
	obliviousReplay    = "replay"    // the same bytes were already answered
)

// gateway is the gateway of Oblivious HTTP (RFC 9458). It opens requests and answers those for this
// collector's batches and policy. It forwards no requests, so it cannot be used as a proxy. All
// that it knows of a client is the network and country that a known relay has signed.
type gateway struct {
	id        string // the collector's
	live      *live
	admission *admission
	intake    *intake
	signer    *signer
	metrics   *metrics
	log       *slog.Logger
	replays   replays
	announced replays // bodies for which a relay's statement was accepted
}

var (
	errNoGateway = httpx.NewError(http.StatusNotFound, "this collector is no gateway of Oblivious HTTP")
	errAnnounced = errors.New("the same was said before")
	errReplay    = httpx.NewError(http.StatusConflict, "this request was answered before; encapsulate it anew")
)

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) error {
	s := g.live.load()
	if s.gateway == nil {
		httpx.LeaveBody(w, r)
		return errNoGateway
	}
	w.Header().Set(protocol.HeaderNetwork, protocol.NetworkBuckets)
	if !httpx.HasType(r.Header, ohttp.MediaTypeRequest) {
		httpx.LeaveBody(w, r)
		return httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Type "+ohttp.MediaTypeRequest)
	}
	err := g.take(w, r, s)
	if shed, ok := errors.AsType[*shed](err); ok {
		return g.later(w, shed)
	}
	return err
}

// take reads, opens and answers a request.
func (g *gateway) take(w http.ResponseWriter, r *http.Request, s *settings) error {
	now := time.Now()
	from, signed, known := g.relayOf(s, r, now)
	network := httpx.Network{} // a known relay limits its clients itself
	if !known {
		network = g.admission.network(s.client(r))
	}
	place, err := g.admission.enter(w, r, network)
	if err != nil {
		return err
	}
	defer place.leave()
	body, err := place.read(w, r, protocol.MaxObliviousRequest)
	if err != nil {
		if _, ok := err.(*httpx.Error); ok {
			g.metrics.oblivious.WithLabelValues(obliviousUnread).Inc()
		}
		return err
	}
	g.metrics.received.oblivious.Add(float64(len(body.bytes)))
	sum := sha256.Sum256(body.bytes)
	if known && signed != sum { // the relay's statement is about another request
		from = unknownNetwork(s, r, now)
	}
	request, reply, err := g.decapsulate(s.gateway, body, sum, now)
	if err != nil {
		return g.refuse(w, err)
	}
	inner := innerAnswer{header: make(http.Header)}
	g.dispatch(&inner, s, request, from)
	return g.seal(w, &inner, reply)
}

// relayOf returns what a known relay says about the client of a request, and the hash of the body
// that the statement is about.
func (g *gateway) relayOf(s *settings, r *http.Request, now time.Time) (n auth.Network, body [sha256.Size]byte, known bool) {
	authorization, said := r.Header.Get("Authorization"), r.Header.Get(protocol.HeaderNetwork)
	if authorization == "" || len(s.RelayKeys) == 0 {
		return unknownNetwork(s, r, now), body, false
	}
	body, err := auth.VerifyRelay(authorization, g.id, said, now, relaySkew, s.RelayKeys...)
	if err == nil {
		n, err = auth.ParseNetwork(said)
	}
	if err == nil && !g.announced.add(now, body) {
		// A statement lifts the limits for one request. A request that repeats it is limited like
		// any other.
		err = errAnnounced
	}
	if err != nil {
		g.log.Debug("what a relay says of its client is not believed", "error", err)
		return unknownNetwork(s, r, now), body, false
	}
	return n, body, true
}

// decapsulate opens a request, unless it was opened before. It frees body.
func (g *gateway) decapsulate(keys *ohttp.Gateway, body *body, sum [sha256.Size]byte, now time.Time) ([]byte, *ohttp.Reply, error) {
	defer body.free()
	if g.replays.seen(sum) {
		return nil, nil, errReplay
	}
	request, reply, err := keys.Decapsulate(body.bytes)
	if err != nil {
		return nil, nil, err
	}
	if !g.replays.add(now, sum) {
		return nil, nil, errReplay
	}
	return request, reply, nil
}
