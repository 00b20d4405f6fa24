package tcpprobe_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

// A mail server must greet whoever connects.
func Example() {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	go func() {
		c, err := server.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprint(c, "220 mail.example ESMTP\r\n")
	}()

	target := &tcpprobe.Options{
		Target:   server.Addr().String(),
		Dialogue: []tcpprobe.Turn{{Expect: "^220 "}},
	}
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
	for _, step := range result.Steps {
		fmt.Println(step.Name)
	}
	fmt.Println(result.Outcome)
	// Output:
	// connect
	// dialogue
	// ok
}
