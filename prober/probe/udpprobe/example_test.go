package udpprobe_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/udpprobe"
)

// A server that answers each datagram with the same datagram.
func Example() {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(b[:n], from)
		}
	}()

	target := &udpprobe.Options{Target: server.LocalAddr().String(), Send: "ping", Expect: "^ping$"}
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
	fmt.Println(result.Outcome, "in", result.Ended())
	// Output: ok in exchange
}
