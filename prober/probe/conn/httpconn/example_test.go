package httpconn_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
)

// One request over a connection that the caller made and closes.
func ExampleNew() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx := context.Background()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	client, err := httpconn.New(ctx, c, "http/1.1")
	if err != nil {
		log.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.RoundTrip(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(httpconn.Protocol(answer), answer.StatusCode)
	// Output: http/1.1 404
}
