package collector_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/inboxes"
)

// A collector works while its Run does. Its handler is served until Run has returned.
func Example() {
	dir, err := os.MkdirTemp("", "collector")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	config := inboxes.File(filepath.Join(dir, "inbox.db"))
	inbox, err := config.Open(inboxes.Options{})
	if err != nil {
		log.Fatal(err)
	}
	_, receiptKey, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	c, err := collector.New(collector.Options{ID: "c1", Inbox: inbox, Settings: collector.Settings{ReceiptKey: receiptKey}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	server := httptest.NewServer(c.Handler())

	response, err := http.Get(server.URL + "/v1/policy")
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	fmt.Println(response.Status) // it was given no policy to serve

	stop()
	fmt.Println(<-ended)
	server.Close()
	fmt.Println(inbox.Close())
	// Output:
	// 404 Not Found
	// <nil>
	// <nil>
}
