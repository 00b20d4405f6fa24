package natsfeed_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/detector/natsfeed"
)

// What cannot be acknowledged beside a hub's stream holds a detector up once, and not with every
// page. A collector's own stream keeps what is not acknowledged, so there each attempt is made.
func TestAckThatFails(t *testing.T) {
	for stream, again := range map[string]bool{"hub-c1": false, "c1": true} {
		feed, err := natsfeed.New(natsfeed.Options{Collector: "c1", Servers: []string{"nats://127.0.0.1:1"}, Stream: stream, Source: "c1", Reader: "d1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := feed.Ack(t.Context(), 1); err == nil {
			t.Errorf("%s: acknowledged to nobody", stream)
		}
		if err := feed.Ack(t.Context(), 2); (err != nil) != again {
			t.Errorf("%s: tried again: %v", stream, err)
		}
	}
}
