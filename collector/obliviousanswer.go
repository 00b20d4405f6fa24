package collector

import (
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

// refuse answers a request that could not be opened. The answer cannot be encrypted (RFC 9458,
// section 5.2).
func (g *gateway) refuse(w http.ResponseWriter, err error) error {
	switch {
	case err == errReplay:
		g.metrics.oblivious.WithLabelValues(obliviousReplay).Inc()
		return errReplay
	case errors.Is(err, ohttp.ErrKey):
		g.metrics.oblivious.WithLabelValues(obliviousKey).Inc()
		h := w.Header()
		h["Content-Type"], h["Cache-Control"] = problemType, noStore
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"type":"` + ohttp.ProblemKey + `","title":"key is not known, or the request does not open"}` + "\n"))
		return nil
	case errors.Is(err, ohttp.ErrMalformed):
		g.metrics.oblivious.WithLabelValues(obliviousMalformed).Inc()
		return httpx.NewError(http.StatusBadRequest, "body is no encapsulated request")
	default:
		return err
	}
}

var (
	problemType  = []string{"application/problem+json"}
	responseType = []string{ohttp.MediaTypeResponse}
)

// later tells a client to come later. That answer is not encrypted either, because the request was
// not opened.
func (g *gateway) later(w http.ResponseWriter, why *shed) error {
	g.metrics.oblivious.WithLabelValues(obliviousShed).Inc()
	w.Header().Set("Retry-After", strconv.FormatInt(int64((why.delay+time.Second-1)/time.Second), 10))
	return httpx.NewError(http.StatusServiceUnavailable, "come later")
}

// seal encapsulates an answer. It pads the answer to a multiple of ObliviousPadding, so its length
// reveals little to the relay.
func (g *gateway) seal(w http.ResponseWriter, a *innerAnswer, reply *ohttp.Reply) error {
	b, err := bhttp.AppendResponse(nil, a.message())
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	sealed, err := reply.Seal(bhttp.Pad(b, 0, protocol.ObliviousPadding))
	if err != nil {
		return err
	}
	g.metrics.oblivious.WithLabelValues(obliviousAnswered).Inc()
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = responseType, noStore
	_, _ = w.Write(sealed)
	return nil
}

// keysMaxAge is how long relays and others may cache the key configurations, in seconds.
const keysMaxAge = "600"

// serveKeys serves the key configurations. They are signed, because agents may get them
// from a relay.
func (g *gateway) serveKeys(w http.ResponseWriter, _ *http.Request) error {
	s := g.live.load()
	if s.gateway == nil {
		return errNoGateway
	}
	list := s.gateway.Configs()
	h := w.Header()
	h.Set("Content-Type", ohttp.MediaTypeKeys)
	h.Set("Cache-Control", "public, max-age="+keysMaxAge)
	h.Set(protocol.HeaderNetwork, protocol.NetworkBuckets)
	h.Set(protocol.HeaderGatewayKeys, auth.SignGatewayKeys(s.ReceiptKey, g.id, list, time.Now()))
	_, _ = w.Write(list)
	return nil
}

// outerFields are the fields of an answer that clients use, in the order in which they are sent.
var outerFields = []bhttp.Field{{Name: "content-type", Value: "Content-Type"}, {Name: "etag", Value: "Etag"}, {Name: "retry-after", Value: "Retry-After"}}

// innerAnswer records an answer that will be encapsulated. It implements http.ResponseWriter.
type innerAnswer struct {
	header http.Header
	status int
	body   []byte
}

func (a *innerAnswer) Header() http.Header { return a.header }

func (a *innerAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *innerAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}

// message returns the answer as a binary HTTP message.
func (a *innerAnswer) message() *bhttp.Response {
	a.WriteHeader(http.StatusOK)
	m := &bhttp.Response{Status: a.status, Content: a.body}
	for _, f := range outerFields {
		if v := a.header.Get(f.Value); v != "" {
			m.Header = append(m.Header, bhttp.Field{Name: f.Name, Value: v})
		}
	}
	return m
}
