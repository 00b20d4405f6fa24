package collector

import (
	"net/http"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
)

// policyServer serves the signed policy unchanged. Any cache may store it, because agents check its
// signature, version and expiry.
type policyServer struct{ live *live }

func (p *policyServer) serve(w http.ResponseWriter, r *http.Request) error {
	return servePolicy(w, r, p.live.load())
}

func servePolicy(w http.ResponseWriter, r *http.Request, s *settings) error {
	allowOrigins(w)
	if s.policy == nil {
		return httpx.NewError(http.StatusNotFound, "this collector has no policy to serve")
	}
	h := w.Header()
	h.Set("Content-Type", protocol.MediaTypePolicy)
	h.Set("ETag", s.etag)
	h.Set("Cache-Control", "public, max-age=60") // short, because the policy has the kill switch
	httpx.ServeWhole(w, r, s.Policy)
	return nil
}
