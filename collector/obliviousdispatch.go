package collector

import (
	"net/http"
	"net/url"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// dispatch answers an opened request: one for batches or one for the policy. It forwards nothing.
func (g *gateway) dispatch(w *innerAnswer, s *settings, encoded []byte, n auth.Network) {
	m, err := bhttp.DecodeRequest(encoded)
	if err != nil {
		httpx.WriteText(w, http.StatusBadRequest, "request is not a binary HTTP message")
		return
	}
	r := &http.Request{Method: m.Method, URL: &url.URL{Path: m.Path}, Header: innerHeader(m.Header)}
	switch {
	case bhttp.Get(m.Header, "expect") != "":
		httpx.WriteText(w, http.StatusExpectationFailed, "expectations cannot be met in Oblivious HTTP")
	case !g.isMe(s, m.Authority):
		httpx.WriteText(w, http.StatusMisdirectedRequest, "this gateway answers for its own collector only, by its id")
	case m.Path == protocol.PathBatches && m.Method == http.MethodPost:
		if !httpx.HasType(r.Header, protocol.MediaTypeSegment) {
			httpx.WriteText(w, http.StatusUnsupportedMediaType, "want Content-Type "+protocol.MediaTypeSegment)
			return
		}
		if !httpx.Plain(r.Header) {
			httpx.WriteText(w, httpx.ErrCoded.Status, httpx.ErrCoded.Error())
			return
		}
		g.takeBatch(w, r, s, m.Content, n)
	case m.Path == protocol.PathPolicy && m.Method == http.MethodGet:
		if err := servePolicy(w, r, s); err != nil {
			httpx.WriteText(w, http.StatusNotFound, err.Error())
		}
	case m.Path == protocol.PathBatches, m.Path == protocol.PathPolicy:
		httpx.WriteText(w, http.StatusMethodNotAllowed, "method not allowed")
	default:
		httpx.WriteText(w, http.StatusNotFound, "no such path")
	}
}

// isMe reports whether an authority names this collector: by its id, which does not depend on its
// address, or by the host of its URL.
func (g *gateway) isMe(s *settings, authority string) bool {
	if authority == g.id {
		return true
	}
	if s.policy != nil {
		for i := range s.policy.Collectors {
			own := &s.policy.Collectors[i]
			if own.ID == g.id && (own.URL == "https://"+authority || own.URL == "http://"+authority) {
				return true
			}
		}
	}
	return false
}

// takeBatch accepts one sealed segment, as batches does, and answers with a receipt.
func (g *gateway) takeBatch(w http.ResponseWriter, r *http.Request, s *settings, segment []byte, n auth.Network) {
	claim := claimOf(r.Header)
	if len(segment) > seal.MaxSegment {
		g.signer.answer(w, s, claim.tooLarge())
		return
	}
	kept := g.admission.memory.hold(segment)
	if kept == nil {
		g.signer.answer(w, s, claim.later(g.admission.shedder.overload(shedMemory, 1)))
		return
	}
	start := g.intake.committer.trace.now()
	a := g.intake.accept(s, claim, origin{n.ASN, n.Country, n.Bucket}, kept)
	g.signer.answer(w, s, a)
	g.intake.committer.trace.upload(start, a.statement)
}

// innerFields are the fields of a request that are used. All others are ignored.
var innerFields = map[string]string{
	"content-type": "Content-Type", "content-encoding": "Content-Encoding", "if-none-match": "If-None-Match",
	"heliograph-batch": protocol.HeaderBatch, "heliograph-delivery": protocol.HeaderDelivery,
}

func innerHeader(fields []bhttp.Field) http.Header {
	h := make(http.Header, len(innerFields))
	for _, f := range fields {
		if name := innerFields[f.Name]; name != "" {
			h.Add(name, f.Value)
		}
	}
	return h
}
