package natsledger_test

import (
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/natsledger"
)

// As long as the ledger is not reached, it decides nothing, and a notifier tells by itself.
func Example() {
	l, err := natsledger.New(natsledger.Options{Member: "d1", Servers: []string{"nats://127.0.0.1:4222"}, Domain: "hub"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(l.Agree([]alerts.Fault{{Key: "heliograph/x/1", App: "shop", Target: "https://shop.example"}})))
	// Output: 0
}
