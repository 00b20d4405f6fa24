package httpx

import (
	"net/http"
	"strconv"
	"strings"
)

// ServeWhole answers GET and HEAD with content, or with 304 if the client has it. The caller has
// set the media type and the ETag. ServeWhole does not support ranges, because an answer with many
// small ones can be many times as large as the content.
func ServeWhole(w http.ResponseWriter, r *http.Request, content []byte) {
	h := w.Header()
	if etag := h.Get("ETag"); etag != "" && names(r.Header.Values("If-None-Match"), etag) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // an error says that the client is gone
	}
}

// names reports whether If-None-Match (RFC 9110, section 13.1.2) names an ETag.
func names(fields []string, etag string) bool {
	for _, field := range fields {
		for tag := range strings.SplitSeq(field, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}
