package dashboards

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// dist is the built page. It is committed, so that building the program does not need Node. "npm
// run check" in web/ checks it against its sources.
//
//go:embed web/dist
var dist embed.FS

// mediaTypes are those of the page's files.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
	".json": "application/json",
}

// readPage returns the files of the page by path.
func readPage() (map[string]*pageFile, error) {
	const dir = "web/dist"
	entries, err := dist.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the built page: %w", err)
	}
	files := map[string]*pageFile{}
	for _, e := range entries {
		content, err := dist.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the built page: %w", err)
		}
		kind := mediaTypes[path.Ext(e.Name())]
		if kind == "" {
			return nil, fmt.Errorf("the built page has %s, whose media type is not known", e.Name())
		}
		files["/"+e.Name()] = newPageFile(content, kind)
	}
	files["/"] = files["/index.html"]
	delete(files, "/index.html")
	return files, nil
}

// pageFile is a file of the page.
type pageFile struct {
	content []byte
	kind    string
	etag    string
}

func newPageFile(content []byte, kind string) *pageFile {
	sum := sha256.Sum256(content)
	return &pageFile{content, kind, `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// serve sends the file. Clients may cache it as long as it does not change.
func (f *pageFile) serve(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("ETag", f.etag)
	httpx.ServeWhole(w, r, f.content)
	return nil
}
