package wasm

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
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

// built are the files as wasm/build writes them.
func built(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"heliograph.wasm.gz": {Data: zip(t, module)}}
	for _, name := range []string{"heliograph.js", "heliograph.worker.js", "heliograph.d.ts", "licenses.txt"} {
		b, err := fs.ReadFile(Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: b}
	}
	return files
}

func handler(t *testing.T) http.Handler {
	t.Helper()
	h, err := Handler(built(t))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHandlerServesTheFiles(t *testing.T) {
	h := handler(t)
	for _, name := range []string{"heliograph.js", "heliograph.worker.js", "heliograph.wasm", "heliograph.d.ts", "licenses.txt"} {
		resp := get(t, h, "GET", "/"+name)
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: status %d, %d bytes, %v", name, resp.StatusCode, len(body), err)
		}
		if again := get(t, h, "GET", "/"+name, "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s once more: status %d", name, again.StatusCode)
		}
		if strings.HasSuffix(name, ".js") && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/javascript") {
			t.Errorf("%s is %s", name, resp.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/", "/nothing", "/../embed.go", "/dist/heliograph.js", "/heliograph.wasm.gz"} {
		if resp := get(t, h, "GET", path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
}

func TestModuleIsServedCompressedToWhoTakesIt(t *testing.T) {
	zipped := zip(t, module)
	h := handler(t)
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

func TestHandlerWantsAllFiles(t *testing.T) {
	for _, name := range []string{"heliograph.js", "heliograph.worker.js", "heliograph.wasm.gz"} {
		files := built(t)
		delete(files, name)
		if _, err := Handler(files); err == nil || !strings.Contains(err.Error(), "lack "+strings.TrimSuffix(name, ".gz")) || !strings.Contains(err.Error(), "wasm/build") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	files := built(t)
	files["heliograph.wasm"] = &fstest.MapFile{Data: module}
	delete(files, "heliograph.wasm.gz")
	if _, err := Handler(files); err != nil {
		t.Errorf("with the module as it is: %v", err)
	}
	files["heliograph.wasm.gz"] = &fstest.MapFile{Data: module}
	if _, err := Handler(files); err == nil || !strings.Contains(err.Error(), "heliograph.wasm.gz") {
		t.Errorf("with a module that is not compressed as its name says: %v", err)
	}
	if _, err := Handler(os.DirFS(t.TempDir() + "/nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
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
		if got := get(t, handler(t), "GET", path).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
		}
	}
}
