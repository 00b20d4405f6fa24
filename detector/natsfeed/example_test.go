package natsfeed_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/detector/natsfeed"
)

// A feed of a collector's own stream acknowledges under a name, so that the collector knows what it
// may delete.
func ExampleNew() {
	servers := []string{"tls://n1.nats.example:4222"}
	feed, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: servers, Source: "c1", Reader: "d1"})
	fmt.Println(feed.Collector(), err)
	_, err = natsfeed.New(natsfeed.Options{Collector: "c1", Servers: servers, Source: "c1"})
	fmt.Println(err)
	_, err = natsfeed.New(natsfeed.Options{Collector: "c1", Servers: servers, Stream: "hub-c1", Source: "c1"})
	fmt.Println(err)
	// Output:
	// c1 <nil>
	// feed: reader is missing: the name of this detector among the readers of the collector's inbox
	// <nil>
}
