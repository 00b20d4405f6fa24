package inboxes_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/collector/inboxes"
)

// The inbox is what the configuration file says, or else inbox.db.
func ExampleConfig() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	config := struct{ Inbox inboxes.Config }{inboxes.File("inbox.db")}
	if err := yaml.Unmarshal([]byte("inbox: {kind: sqlite, path: reports.db}"), &config); err != nil {
		log.Fatal(err)
	}
	inbox, err := config.Inbox.Open(inboxes.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer inbox.Close()
	fmt.Println(inbox.Check(context.Background()))
	// Output: <nil>
}

// A faulty configuration is named before anything is opened.
func ExampleConfig_Validate() {
	var config struct{ Inbox inboxes.Config }
	if err := yaml.Unmarshal([]byte("inbox: {kind: sqlite}"), &config); err != nil {
		log.Fatal(err)
	}
	fmt.Println(config.Inbox.Validate())
	// Output: path is missing
}
