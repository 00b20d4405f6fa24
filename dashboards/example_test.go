package dashboards_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/model"
)

// A dashboard is a handler for a listener of its own. Run feeds its streams until its context ends.
func Example() {
	var stores struct{ model.Reader } // in earnest: detector.Reader
	d, err := dashboards.New(dashboards.Options{Reader: stores, Hosts: []string{"status.example"}})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(d)
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // in earnest: when the process is told to end
	fmt.Println(d.Run(ctx))
	// Output: <nil>
}
