package probes

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/prober/sweep"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// SweepResult is one round of a sweep, the servers' side in the same process included.
type SweepResult struct {
	Took, CPU time.Duration
	Memory    int64 // greatest size of the process so far, in bytes
	Up        int
}

// Sweep connects to n addresses of loopback, behind which is one listener, once each, as fast as
// this machine can.
func Sweep(ctx context.Context, n int) (r SweepResult, err error) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		return r, err
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	servers := make([]heatmap.Server, n)
	for i := range servers {
		servers[i] = heatmap.Server{Name: fmt.Sprintf("s%07d", i), Address: fmt.Sprintf("127.%d.%d.%d:%s", 1+i>>16, i>>8&255, i&255, port),
			DataCentre: strconv.Itoa(i / 100_000), Cluster: strconv.Itoa(i / 4000), Row: strconv.Itoa(i / 40)}
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		return r, err
	}
	m := heatmap.NewMap(topology)
	s, err := sweep.New(sweep.Options{Map: m, Rate: 1_000_000, Spec: func(s heatmap.Server) probe.Spec { return &tcpprobe.Options{Target: s.Address} }})
	if err != nil {
		return r, err
	}
	runtime.GC()
	cpu, began := measure.CPU(), time.Now()
	s.Round(ctx)
	r = SweepResult{Took: time.Since(began), CPU: measure.CPU() - cpu, Up: m.Counts().Up}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return r, err
	}
	r.Memory = u.Maxrss << 10
	return r, nil
}
