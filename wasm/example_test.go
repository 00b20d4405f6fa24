package wasm_test

import (
	"fmt"
	"net/http"
	"testing/fstest"

	"github.com/heliograph-net/heliograph/wasm"
)

// An application embeds and serves the directory that wasm/build writes. Before that has run, the
// error says what is missing.
func ExampleHandler() {
	h, err := wasm.Handler(fstest.MapFS{})
	if err != nil {
		fmt.Println(err)
		return
	}
	http.Handle("/heliograph/", http.StripPrefix("/heliograph/", h))
	// Output: the browser agent's files lack heliograph.js: run go run github.com/heliograph-net/heliograph/wasm/build DIRECTORY, which writes them all
}
