package wsprobe_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/wsprobe"
)

// A server that greets each client.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow()
		_ = ws.Write(r.Context(), websocket.MessageText, []byte("welcome"))
		_, _, _ = ws.Read(r.Context()) // until the client leaves
	}))
	defer server.Close()

	target := &wsprobe.Options{URL: strings.Replace(server.URL, "http:", "ws:", 1), Expect: "^welcome$"}
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
	fmt.Println(result.Outcome, result.Status, "in", result.Ended())
	// Output: ok 101 in message
}
