package httpprobe_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
)

// A server that answers 503 is reachable, but not well.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order", http.StatusServiceUnavailable)
	}))
	defer server.Close()

	target := &httpprobe.Options{URL: server.URL + "/health"}
	attempt, err := target.Probe(probe.Env{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	result, err := attempt(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Outcome, result.Status, "after", len(result.Steps), "steps")
	// Output: http.error 503 after 3 steps
}
