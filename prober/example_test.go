package prober_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

// A prober of two servers, the second of which is away, until both are judged.
func Example() {
	there, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer there.Close()
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = away.Close()

	ctx, stop := context.WithCancel(context.Background())
	var p *prober.Prober
	p, err = prober.New(prober.Options{
		Targets: []prober.Target{
			{Name: "web-1", Spec: &tcpprobe.Options{Target: there.Addr().String()}},
			{Name: "web-2", Spec: &tcpprobe.Options{Target: away.Addr().String()}},
		},
		DownAfter: 1,
		Interval:  100 * time.Millisecond,
		OnResult: func(prober.Target, probe.Result, error) {
			if p.Map().Counts().Of(heatmap.Unknown) == 0 {
				stop()
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.Run(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%+v\n", p.Map().Counts())
	// Output: {Up:1 Down:1 Unknown:0}
}
