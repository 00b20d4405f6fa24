//go:build !js

package wasm

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// module is a WASM module without anything in it.
var module = []byte("\x00asm\x01\x00\x00\x00")

// get asks Handler.
func get(t *testing.T, h http.Handler, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestHandlerServesWhatIsEmbedded(t *testing.T) {
	entries, err := fs.ReadDir(Files(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == moduleFile {
			continue
		}
		resp := get(t, Handler(), "GET", "/"+e.Name())
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: status %d, %d bytes, %v", e.Name(), resp.StatusCode, len(body), err)
		}
		if again := get(t, Handler(), "GET", "/"+e.Name(), "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s once more: status %d", e.Name(), again.StatusCode)
		}
		if strings.HasSuffix(e.Name(), ".js") && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/javascript") {
			t.Errorf("%s is %s", e.Name(), resp.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/", "/nothing", "/../embed.go", "/dist/heliograph.js", "/" + moduleFile} {
		if resp := get(t, Handler(), "GET", path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
}

func TestModuleIsServedCompressedToWhoTakesIt(t *testing.T) {
	zipped := zip(t, module)
	h := handler(fstest.MapFS{moduleFile: {Data: zipped}})
	for _, test := range []struct {
		accept string
		want   []byte
	}{
		{"gzip, deflate, br", zipped}, {"br;q=1.0, GZIP;q=0.5", zipped}, {"", module}, {"br", module}, {"gzip;q=0", module}, {"gzip;q=0.000", module},
		{"gzip;q=x", module},
	} {
		resp := get(t, h, "GET", "/heliograph.wasm", "Accept-Encoding", test.accept)
		body, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(body, test.want) || resp.Header.Get("Content-Type") != "application/wasm" {
			t.Errorf("Accept-Encoding %q: %d bytes of %s, %v; want %d", test.accept, len(body), resp.Header.Get("Content-Type"), err, len(test.want))
		}
		if got := resp.Header.Get("Content-Encoding") == "gzip"; got != bytes.Equal(test.want, zipped) {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q", test.accept, resp.Header.Get("Content-Encoding"))
		}
	}
	if resp := get(t, h, "POST", "/heliograph.wasm"); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
		t.Errorf("POST: status %d", resp.StatusCode)
	}
}

func TestWithoutModuleTheHandlerSaysHowToBuildIt(t *testing.T) {
	resp := get(t, handler(fstest.MapFS{}), "GET", "/heliograph.wasm")
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "go run ./wasm/internal/build") {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

func zip(t *testing.T, b []byte) []byte {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Bytes()
}

// The worker and the module must be had while the page's own server is down, and the shim must
// never be older than the page.
func TestHandlerHasReleasesKept(t *testing.T) {
	for path, want := range map[string]string{"/heliograph.js": "no-cache", "/heliograph.worker.js?0123abcd": "max-age=604800"} {
		if got := get(t, Handler(), "GET", path).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
		}
	}
}
