package heartbeat_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/heartbeat"
	"github.com/heliograph-net/heliograph/prober/probe"
)

func Example() {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver := heartbeat.NewReceiver("fra-1")
	if err := receiver.Reload([]heartbeat.Rack{{Name: "r17", Key: public, Servers: 40}}); err != nil {
		fmt.Println(err)
		return
	}
	prober := httptest.NewServer(receiver)
	defer prober.Close()

	bits, _ := heatmap.NewBitset(40)
	for i := range 40 {
		bits.Set(i, i != 7)
	}
	beat := &heartbeat.Beat{Rack: "r17", Number: uint64(time.Now().UnixMilli()), Up: bits}
	fmt.Println(heartbeat.Send(context.Background(), nil, prober.URL, "fra-1", private, beat))

	for _, server := range []int{6, 7} {
		attempt, _ := (&heartbeat.Spec{Receiver: receiver, Rack: "r17", Server: server}).Probe(probe.Env{})
		result, _ := attempt(context.Background())
		fmt.Println(server, result.Outcome)
	}
	// Output:
	// <nil>
	// 6 ok
	// 7 heartbeat.down
}
