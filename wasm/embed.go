// Package wasm contains the agent for web pages. A page imports heliograph.js, which starts
// heliograph.worker.js when there is something to report. The agent itself, heliograph.wasm, runs
// in this worker. heliograph.d.ts and licenses.txt complete the files.
//
// The WebAssembly module, heliograph.wasm, is not in the repository. The command
//
//	go run github.com/heliograph-net/heliograph/wasm/build heliograph
//
// builds it and writes all files into a directory. Start with [Handler], which serves the
// directory. docs/browser.md explains how to use the agent in a page.
package wasm

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the files that were embedded when this package was compiled. They include the
// module, compressed as heliograph.wasm.gz, only if "make wasm" had put it into wasm/dist before,
// as it does for the programs of this repository.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // no path of ours is invalid
	}
	return files
}
