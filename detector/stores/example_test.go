package stores_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/detector/stores"
)

// The stores are what the configuration file says, or else both are in store.db.
func ExampleConfig() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	config := struct{ Store stores.Config }{stores.File("store.db")}
	if err := yaml.Unmarshal([]byte("store: {kind: sqlite, path: events.db, state: state.db}"), &config); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	events, state, err := config.Store.Open(ctx, dir)
	if err != nil {
		log.Fatal(err)
	}
	defer state.Close()
	defer events.Close()
	fmt.Println(events.Ready(ctx), state.Ready(ctx))
	// Output: <nil> <nil>
}

// A faulty configuration is named before anything is opened.
func ExampleConfig_Validate() {
	var config struct{ Store stores.Config }
	if err := yaml.Unmarshal([]byte("store: {kind: sqlite}"), &config); err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.Store.Validate())
	// Output: path is missing
}
