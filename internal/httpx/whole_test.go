package httpx

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestServeWhole(t *testing.T) {
	content := bytes.Repeat([]byte("policy"), 250)
	many := "bytes=0-0" + strings.Repeat(",0-0", 3000)
	for name, c := range map[string]struct {
		method, header, value string
		status, body          int
	}{
		"whole":         {"GET", "", "", 200, 1500},
		"head":          {"HEAD", "", "", 200, 0},
		"a range":       {"GET", "Range", "bytes=3-5", 200, 1500},
		"many ranges":   {"GET", "Range", many, 200, 1500},
		"not modified":  {"GET", "If-None-Match", `"a", "tag"`, 304, 0},
		"weak":          {"GET", "If-None-Match", `W/"tag"`, 304, 0},
		"any":           {"GET", "If-None-Match", "*", 304, 0},
		"another":       {"GET", "If-None-Match", `"gat"`, 200, 1500},
		"no tag at all": {"GET", "If-None-Match", "tag", 200, 1500},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		w.Header().Set("ETag", `"tag"`)
		ServeWhole(w, r, content)
		if w.Code != c.status || w.Body.Len() != c.body || w.Header().Get("Accept-Ranges") != "" {
			t.Errorf("%s: status %d, %d bytes, %v; want %d, %d", name, w.Code, w.Body.Len(), w.Header(), c.status, c.body)
		}
		if got := w.Header().Get("Content-Length"); c.status == http.StatusOK && got != "1500" {
			t.Errorf("%s: Content-Length %q", name, got)
		}
	}
}
