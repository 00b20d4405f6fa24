package httpx

import (
	"net/http"
	"strings"
)

// ErrCoded is answered when a body has a content coding and none is taken.
var ErrCoded = NewError(http.StatusUnsupportedMediaType, "want no Content-Encoding")

// Plain reports whether a header says that the body has no content coding (RFC 9110, section 8.4).
func Plain(h http.Header) bool {
	coding := strings.TrimSpace(strings.Join(h["Content-Encoding"], ","))
	return coding == "" || strings.EqualFold(coding, "identity")
}
