package relay_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/heliograph-net/heliograph/relay"
)

// A Relay is served on a listener of its own. It works while Run does.
func Example() {
	r, err := relay.New(relay.Options{Settings: relay.Settings{Gateway: "https://c1.example.net", Collector: "c1"}})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // in a real program: when the process is told to end
	fmt.Println(r.Run(ctx))
	// Output: <nil>
}
