package collector

import (
	"bytes"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
)

// servePolicy serves the signed policy as it was given. It may lie in any cache: agents check its
// signature, version and expiry.
func (c *Collector) servePolicy(w http.ResponseWriter, r *http.Request) error {
	allowOrigins(w)
	s := c.settings.Load()
	if s.policy == nil {
		return httpx.NewError(http.StatusNotFound, "this collector has no policy to serve")
	}
	h := w.Header()
	h.Set("Content-Type", protocol.MediaTypePolicy)
	h.Set("ETag", s.etag)
	h.Set("Cache-Control", "public, max-age=60") // short: the policy has the kill switch
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.Policy))
	return nil
}
