// Package wasm has the agent for web pages: heliograph.js, which a page imports;
// heliograph.worker.js, which that starts when there is something to report; heliograph.wasm, the
// agent itself, which runs in the worker; and heliograph.d.ts and licenses.txt beside them.
//
// The module, heliograph.wasm, is not in the repository. The command
//
//	go run github.com/heliograph-net/heliograph/wasm/build heliograph
//
// builds it and writes all files into a directory. Most readers then need [Handler], which serves
// them. How to use the agent in a page, docs/browser.md tells.
package wasm

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the files that were there when this package was compiled. The module is among them,
// compressed and under the name heliograph.wasm.gz, if `make wasm` had put it into wasm/dist, as it
// does for the programs of this repository.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // no path of ours is invalid
	}
	return files
}
