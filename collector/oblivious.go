package collector

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

// relaySkew is how far a relay's clock may be from the collector's, and how long what it
// signs is good.
const relaySkew = 2 * time.Minute

// unknownNetwork is that of a client of whom no known relay tells anything.
var unknownNetwork = auth.Network{Country: unknownCountry}

// readOblivious makes the gateway ready.
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

// What became of a request to the gateway: values of a metric's label.
const (
	obliviousAnswered  = "answered"  // in an encapsulated response, whatever that says
	obliviousShed      = "shed"      // before its body was read
	obliviousUnread    = "unread"    // its body did not arrive, or is too large
	obliviousMalformed = "malformed" // no encapsulated request
	obliviousKey       = "key"       // sealed to a key that is not held, or altered
	obliviousReplay    = "replay"    // the same bytes were answered before
)

// serveOblivious is the gateway of Oblivious HTTP (RFC 9458): it opens a request and answers it, if
// it is one for this collector's batches or policy. It asks nobody else, so it is nobody's proxy.
// Of the client it knows what a known relay has signed: network and country.
func (c *Collector) serveOblivious(w http.ResponseWriter, r *http.Request) error {
	s := c.settings.Load()
	if s.gateway == nil {
		httpx.LeaveBody(w, r)
		return errNoGateway
	}
	if !httpx.HasType(r.Header, ohttp.MediaTypeRequest) {
		httpx.LeaveBody(w, r)
		return httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Type "+ohttp.MediaTypeRequest)
	}
	if !c.gate.Enter() {
		httpx.LeaveBody(w, r)
		return c.obliviousLater(w, spread(c.o.SlowDown))
	}
	defer c.gate.Leave()
	now := time.Now()
	network, signed, known := c.relayOf(s, r, now)
	limited := httpx.Network{} // a known relay has limits of its own for its clients
	if !known {
		limited = c.networks.Network(now, s.client(r))
	}
	if shed := c.admit(now, limited); shed != nil {
		httpx.LeaveBody(w, r)
		return c.obliviousLater(w, shed.delay)
	}
	defer c.leave(limited)
	c.bodyDeadline(w, now)
	body, err := c.readBody(w, r, protocol.MaxObliviousRequest)
	if err == errMemory {
		httpx.LeaveBody(w, r)
		return c.obliviousLater(w, c.shed(shedMemory, 1).delay)
	} else if err != nil {
		httpx.LeaveBody(w, r)
		c.metrics.oblivious.WithLabelValues(obliviousUnread).Inc()
		return err
	}
	c.metrics.bytes.WithLabelValues("oblivious").Add(float64(len(body.bytes)))
	c.networks.Charge(limited, len(body.bytes))
	sum := sha256.Sum256(body.bytes)
	if known && signed != sum { // what was said was said of another request
		network = unknownNetwork
	}
	request, reply, err := c.decapsulate(s.gateway, body, sum, now)
	if err != nil {
		return c.refuseOblivious(w, err)
	}
	answer := answerBuffer{header: make(http.Header)}
	c.dispatch(&answer, s, request, network)
	return c.sealAnswer(w, &answer, reply)
}

// relayOf is what a relay that is known says of the client of a request, and of which body it
// says that.
func (c *Collector) relayOf(s *settings, r *http.Request, now time.Time) (n auth.Network, body [sha256.Size]byte, known bool) {
	authorization, said := r.Header.Get("Authorization"), r.Header.Get(protocol.HeaderNetwork)
	if authorization == "" || len(s.RelayKeys) == 0 {
		return unknownNetwork, body, false
	}
	body, err := auth.VerifyRelay(authorization, c.o.ID, said, now, relaySkew, s.RelayKeys...)
	if err == nil {
		n, err = auth.ParseNetwork(said)
	}
	if err != nil {
		c.o.Logger.Debug("what a relay says of its client is not believed", "error", err)
		return unknownNetwork, body, false
	}
	return n, body, true
}

// decapsulate opens a request, once. It frees body.
func (c *Collector) decapsulate(g *ohttp.Gateway, body *body, sum [sha256.Size]byte, now time.Time) ([]byte, *ohttp.Reply, error) {
	defer body.free()
	if c.replays.seen(sum) {
		return nil, nil, errReplay
	}
	request, reply, err := g.Decapsulate(body.bytes)
	if err != nil {
		return nil, nil, err
	}
	if !c.replays.add(now, sum) {
		return nil, nil, errReplay
	}
	return request, reply, nil
}

var (
	errNoGateway = httpx.NewError(http.StatusNotFound, "this collector is no gateway of Oblivious HTTP")
	errReplay    = httpx.NewError(http.StatusConflict, "this request was answered before; encapsulate it anew")
)

// refuseOblivious answers a request that could not be opened, without protection, for there is none
// (RFC 9458, section 5.2).
func (c *Collector) refuseOblivious(w http.ResponseWriter, err error) error {
	switch {
	case err == errReplay:
		c.metrics.oblivious.WithLabelValues(obliviousReplay).Inc()
		return errReplay
	case errors.Is(err, ohttp.ErrKey):
		c.metrics.oblivious.WithLabelValues(obliviousKey).Inc()
		h := w.Header()
		h["Content-Type"], h["Cache-Control"] = problemType, noStore
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"type":"` + ohttp.ProblemKey + `","title":"key is not known, or the request does not open"}` + "\n"))
		return nil
	case errors.Is(err, ohttp.ErrMalformed):
		c.metrics.oblivious.WithLabelValues(obliviousMalformed).Inc()
		return httpx.NewError(http.StatusBadRequest, "body is no encapsulated request")
	default:
		return err
	}
}

var (
	problemType  = []string{"application/problem+json"}
	responseType = []string{ohttp.MediaTypeResponse}
)

// obliviousLater tells a client to come later. It has no protection either: the request was
// not opened.
func (c *Collector) obliviousLater(w http.ResponseWriter, delay time.Duration) error {
	c.metrics.oblivious.WithLabelValues(obliviousShed).Inc()
	w.Header().Set("Retry-After", strconv.FormatInt(int64((delay+time.Second-1)/time.Second), 10))
	return httpx.NewError(http.StatusServiceUnavailable, "come later")
}

// sealAnswer encapsulates an answer. Its length tells the relay no more than how many times
// ObliviousPadding it is.
func (c *Collector) sealAnswer(w http.ResponseWriter, a *answerBuffer, reply *ohttp.Reply) error {
	b, err := bhttp.AppendResponse(nil, a.message())
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	sealed, err := reply.Seal(bhttp.Pad(b, 0, protocol.ObliviousPadding))
	if err != nil {
		return err
	}
	c.metrics.oblivious.WithLabelValues(obliviousAnswered).Inc()
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = responseType, noStore
	_, _ = w.Write(sealed)
	return nil
}

// keysMaxAge is for how long relays and others may keep the key configurations, in seconds.
const keysMaxAge = "600"

// serveObliviousKeys tells the key configurations. They are signed, for agents that get them
// from a relay.
func (c *Collector) serveObliviousKeys(w http.ResponseWriter, _ *http.Request) error {
	s := c.settings.Load()
	if s.gateway == nil {
		return errNoGateway
	}
	list := s.gateway.Configs()
	h := w.Header()
	h.Set("Content-Type", ohttp.MediaTypeKeys)
	h.Set("Cache-Control", "public, max-age="+keysMaxAge)
	h.Set(protocol.HeaderGatewayKeys, auth.SignGatewayKeys(s.ReceiptKey, c.o.ID, list, time.Now()))
	_, _ = w.Write(list)
	return nil
}
