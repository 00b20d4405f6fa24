package wasm_test

import (
	"log"
	"net/http"
	"os"

	"github.com/heliograph-net/heliograph/wasm"
)

// An application embeds what wasm/build has written and serves it beside its own pages.
func ExampleHandler() {
	h, err := wasm.Handler(os.DirFS("heliograph"))
	if err != nil {
		log.Fatal(err) // says which file is missing and how to make it
	}
	http.Handle("/heliograph/", http.StripPrefix("/heliograph/", h))
}
