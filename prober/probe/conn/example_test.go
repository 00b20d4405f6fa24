package conn_test

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// A kind of probe that connects by TCP and reads a byte.
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
		_, _ = c.Write([]byte("!"))
	}()

	dialer, err := conn.NewDialer(server.Addr().String(), conn.Addresses{}, probe.Env{})
	if err != nil {
		log.Fatal(err)
	}
	attempt := dialer.Func(func(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
		c, err := dialer.Connect(ctx, a, server)
		if err != nil {
			return err
		}
		defer c.Close()
		a.Enter("greeting")
		_, err = c.Read(make([]byte, 1))
		return err
	}, func(step string, err error) report.Outcome { return cmp.Or(conn.Classify(step, err), report.Unknown) })

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
	// greeting
	// ok
}
