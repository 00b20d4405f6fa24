// Package wasm has the agent for web pages: heliograph.js, which a page imports;
// heliograph.worker.js, which that starts when there is something to report; heliograph.wasm, the
// agent itself, which runs in the worker; and heliograph.d.ts and licenses.txt beside them. Most
// readers need Handler. How to use it in a page, docs/browser.md tells.
package wasm

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// moduleFile is the module as it is embedded. It is no part of the repository:
// `go run ./wasm/internal/build` makes it, and make build does that before it builds anything else.
const moduleFile = "heliograph.wasm.gz"

// Files returns the files as they are embedded, the module compressed and under the name
// heliograph.wasm.gz. A program that was built without it has the others only.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // no path of ours is invalid
	}
	return files
}
