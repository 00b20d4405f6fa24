package sweep_test

import (
	"context"
	"fmt"
	"net"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/prober/sweep"
)

func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	address := listener.Addr().String()
	topology, err := heatmap.NewTopology([]heatmap.Server{{Name: "web-1", Address: address}, {Name: "web-2", Address: "127.0.0.2:1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := heatmap.NewMap(topology)
	s, err := sweep.New(sweep.Options{Map: m, DownAfter: 1, Spec: func(s heatmap.Server) probe.Spec {
		return &tcpprobe.Options{Target: s.Address}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Round(context.Background())
	fmt.Printf("%+v\n", m.Counts())
	// Output: {Up:1 Down:1 Unknown:0}
}
