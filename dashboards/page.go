package dashboards

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// The built page is committed, so that building the program does not need Node. "npm run check" in
// web/ checks it against its sources.
var (
	//go:embed web/dist/index.html
	indexHTML []byte
	//go:embed web/dist/app.js
	appJS []byte
	//go:embed web/dist/style.css
	styleCSS []byte
	//go:embed web/dist/favicon.svg
	faviconSVG []byte
	//go:embed web/dist/licenses.txt
	licensesTXT []byte
)

// pageFiles are the files of the page by path.
var pageFiles = map[string]*pageFile{
	"/":             newPageFile(indexHTML, "text/html; charset=utf-8"),
	"/app.js":       newPageFile(appJS, "text/javascript; charset=utf-8"),
	"/style.css":    newPageFile(styleCSS, "text/css; charset=utf-8"),
	"/favicon.svg":  newPageFile(faviconSVG, "image/svg+xml"),
	"/licenses.txt": newPageFile(licensesTXT, "text/plain; charset=utf-8"),
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
