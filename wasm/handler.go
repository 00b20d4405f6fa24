package wasm

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// file is a file that Handler serves.
type file struct {
	mediaType string
	body      []byte
	gzipped   bool
	etag      string
}

// mediaTypes of the files, by extension.
var mediaTypes = map[string]string{
	".js":   "text/javascript; charset=utf-8",
	".ts":   "text/plain; charset=utf-8",
	".txt":  "text/plain; charset=utf-8",
	".wasm": "application/wasm", // else browsers do not compile it while it arrives
}

// needed are the files that a page asks for.
var needed = []string{"heliograph.js", "heliograph.worker.js", "heliograph.wasm"}

// Handler returns a handler that serves the files written by the command wasm/build under their
// bare names. Mount it with [http.StripPrefix] on the page's own origin, because browsers start
// workers only from there. Handler reads the files once. Files compressed with gzip are served
// under their names without .gz. Browsers revalidate heliograph.js each time and cache worker and
// module of its release for a week. The error names the files that are missing.
func Handler(files fs.FS) (http.Handler, error) {
	loaded, err := load(files)
	if err != nil {
		return nil, fmt.Errorf("reading the browser agent's files: %w", err)
	}
	for _, name := range needed {
		if _, ok := loaded[name]; !ok {
			return nil, fmt.Errorf("the browser agent's files lack %s: run go run github.com/heliograph-net/heliograph/wasm/build DIRECTORY, which writes them all", name)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		f, ok := loaded[name]
		switch {
		case ok && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			f.serve(w, r, name)
		case ok:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		default:
			http.NotFound(w, r)
		}
	}), nil
}

func load(files fs.FS) (map[string]file, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	loaded := make(map[string]file)
	for _, e := range entries {
		name, gzipped := strings.CutSuffix(e.Name(), ".gz")
		mediaType, known := mediaTypes[path.Ext(name)]
		if !known || e.IsDir() {
			continue
		}
		body, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return nil, err
		}
		if gzipped {
			if err := unzip(io.Discard, body); err != nil {
				return nil, fmt.Errorf("%s: %w", e.Name(), err)
			}
		}
		sum := sha256.Sum256(body)
		loaded[name] = file{mediaType: mediaType, body: body, gzipped: gzipped, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	}
	return loaded, nil
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	// heliograph.js requests the worker and the module of its own release, which must be available
	// while the page's server is down
	if r.URL.RawQuery != "" {
		h.Set("Cache-Control", "max-age=604800")
	}
	// a page that has this may start only workers that have it, too
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	body, etag := f.body, f.etag
	if f.gzipped {
		h.Set("Vary", "Accept-Encoding")
		if accepts(r, "gzip") {
			h.Set("Content-Encoding", "gzip")
		} else {
			var plain bytes.Buffer
			_ = unzip(&plain, body)                          // load has tried it
			body, etag = plain.Bytes(), `"plain-`+f.etag[1:] // another representation, another tag
		}
	}
	h.Set("ETag", etag)
	if r.Header["Range"] != nil { // many small ranges would be many times the file
		r = r.Clone(r.Context())
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// accepts reports whether the request's Accept-Encoding names a coding and does not give it the
// weight 0 (RFC 9110, section 12.5.3).
func accepts(r *http.Request, coding string) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, weighed := strings.Cut(strings.ReplaceAll(part, " ", ""), ";q=")
		if strings.EqualFold(name, coding) {
			q, err := strconv.ParseFloat(weight, 64)
			return !weighed || err == nil && q > 0
		}
	}
	return false
}

func unzip(w io.Writer, b []byte) error {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}
