package collector

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// batches receives sealed segments from agents. The steps of an upload are: a place (admission.go),
// reading the body (body.go), checking the segment (intake.go), the inbox (commit.go) and a receipt
// (receipts.go).
type batches struct {
	live      *live
	admission *admission
	intake    *intake
	signer    *signer
	trace     tracer
	received  prometheus.Counter // bytes
}

// serve answers with a receipt, unless the media type is wrong or the body did not arrive.
func (b *batches) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Header["Origin"] != nil { // sent by a page
		allowOrigins(w)
	}
	if !httpx.HasType(r.Header, protocol.MediaTypeSegment) {
		httpx.LeaveBody(w, r)
		return httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Type "+protocol.MediaTypeSegment)
	}
	s, start := b.live.load(), b.trace.now()
	a, err := b.take(w, r, s)
	if err != nil {
		return err
	}
	b.signer.answer(w, s, a)
	b.trace.upload(start, a.statement)
	return nil
}

// take accepts an upload, or says why it does not.
func (b *batches) take(w http.ResponseWriter, r *http.Request, s *settings) (answer, error) {
	claim, from := claimOf(r.Header), s.client(r)
	place, err := b.admission.enter(w, r, b.admission.network(from))
	if err != nil {
		return claim.unread(err)
	}
	defer place.leave()
	body, err := place.read(w, r, seal.MaxSegment)
	if err != nil {
		return claim.unread(err)
	}
	b.received.Add(float64(len(body.bytes)))
	return b.intake.accept(s, claim, s.network(from), body), nil
}
