package natsinbox_test

import (
	"context"
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/collector/sqliteledger"
)

// An inbox is a queue in NATS and a ledger in a file.
func ExampleOpen() {
	open := func(ctx context.Context) (collector.Inbox, error) {
		queue, err := natsinbox.Open(ctx, natsinbox.Options{
			Servers: []string{"tls://n1.nats.example:4222", "tls://n2.nats.example:4222", "tls://n3.nats.example:4222"},
			Stream:  "c1", Credentials: "keys/c1.creds",
		})
		if err != nil {
			return nil, err
		}
		ledger, err := sqliteledger.Open("ledger.db", sqliteledger.Options{})
		if err != nil {
			log.Print(queue.Close())
			return nil, err
		}
		return collector.Join(queue, ledger), nil
	}
	_ = open
	// Output:
}

// A fault is named before anything is opened.
func ExampleOptions_Validate() {
	o := natsinbox.Options{Servers: []string{"nats://127.0.0.1:4222"}, Stream: "eu.c1"}
	fmt.Println(o.Validate())
	// Output: stream "eu.c1": give 1 to 64 letters, digits, _ or -
}
