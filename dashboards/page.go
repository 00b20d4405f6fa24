package dashboards

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"
)

// The built page is committed, so that building the program takes no Node; `npm run check` in web/
// holds it to its sources.
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

// pageFiles are the files of the page by their path.
var pageFiles = map[string]pageFile{
	"/":             {indexHTML, "text/html; charset=utf-8"},
	"/app.js":       {appJS, "text/javascript; charset=utf-8"},
	"/style.css":    {styleCSS, "text/css; charset=utf-8"},
	"/favicon.svg":  {faviconSVG, "image/svg+xml"},
	"/licenses.txt": {licensesTXT, "text/plain; charset=utf-8"},
}

// pageFile is a file of the page.
type pageFile struct {
	content []byte
	kind    string
}

// handler serves the file; clients keep it as long as it is the same.
func (f pageFile) handler() handler {
	sum := sha256.Sum256(f.content)
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", f.kind)
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
		return nil
	}
}
