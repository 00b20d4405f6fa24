package oblivious_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/oblivious"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// A transport turns to the client for each collector that has a relay in the policy, and sends for
// it. The relay sees who sends, and the collector what is sent.
func ExampleNew() {
	kem := ohttp.MLKEM768X25519()
	key, err := ohttp.GenerateKey(kem)
	if err != nil {
		log.Fatal(err)
	}
	collector := policy.Collector{
		ID: "c1", URL: "https://collector.example", Relay: "https://relay.example/v1/oblivious", ObliviousKeys: key.AppendConfig(nil),
	}

	send := func(_ context.Context, _ policy.Collector, r oblivious.Request) oblivious.Answer {
		fmt.Println(r.Method, r.URL, r.ContentType)
		return oblivious.Answer{Response: agent.Response{Outcome: report.TCPRefused, Err: errors.New("connection refused")}}
	}
	client := oblivious.New(send, kem)
	delivery, err := report.AppendDelivery(nil, report.Delivery{})
	if err != nil {
		log.Fatal(err)
	}
	answer := client.Deliver(context.Background(), collector, report.BatchID{1}, delivery, []byte("a sealed segment"))
	fmt.Println(answer.Outcome)
	// Output:
	// POST https://relay.example/v1/oblivious message/ohttp-req
	// tcp.refused
}
