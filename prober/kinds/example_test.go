package kinds_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/prober/kinds"
)

// Each kind is chosen by the key that stands for its target in the prober's configuration.
func Example() {
	for _, kind := range kinds.All {
		fmt.Println(kind.Key+":", kind.Name)
	}
	// Output:
	// url: http
	// tcp: tcp
	// certificate: tls
	// dns: dns
	// udp: udp
	// icmp: icmp
	// grpc: grpc
	// websocket: websocket
}
