package dnsprobe_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/dnsprobe"
)

// The name server knows the shop, but by an address of last year.
func Example() {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	record, err := dns.NewRR("shop.example. A 192.0.2.1")
	if err != nil {
		log.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetReply(query)
		answer.Answer = []dns.RR{record}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	defer socket.Close()

	target := &dnsprobe.Options{Server: socket.LocalAddr().String(), QueryName: "shop.example", Answers: []string{"192.0.2.99"}}
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
	// Output: dns.answer_unexpected in query
}
