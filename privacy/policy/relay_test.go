package policy

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/protocol"
)

func TestRelayFaultsNameTheirKeys(t *testing.T) {
	for _, c := range []struct {
		key    string
		change func(*Collector)
	}{
		{"relay", func(c *Collector) { c.Relay = "relay.example" }},
		{"relay", func(c *Collector) { c.Relay = "http://relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "ftp://relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://u@relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example:443/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://Relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example/v1?q" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example/v1#f" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example/a/../b" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example//b" }},
		{"relay", func(c *Collector) {
			c.Relay = "https://relay.example/" + strings.Repeat("a", MaxRelayURL)
		}},
		{"relay", func(c *Collector) { c.Relay = c.URL + protocol.PathOblivious }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = nil }},
		{"oblivious_keys", func(c *Collector) { c.Relay = "" }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = []byte{0} }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = []byte{0, 0} }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = []byte{0, 2, 1} }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = make([]byte, MaxObliviousKeys+1) }},
	} {
		p := obliviousPolicy(t)
		c.change(&p.Collectors[0])
		if err := p.Validate(); err == nil || !strings.Contains("\n"+err.Error(), "\ncollectors[0]."+c.key+": ") {
			t.Errorf("want a fault of %s, got %v", c.key, err)
		}
	}
	for _, url := range []string{"https://relay.example", "https://relay.example:8443/a/b", "http://127.0.0.2:8420/v1/oblivious"} {
		p := obliviousPolicy(t)
		p.Collectors[0].Relay = url
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
