// Command benchscale measures what a collector and a detector sustain together, each a process of
// its own with sockets and a synced disk: heliograph simulate sends the reports of 10,000,000
// active clients as fast as they are taken, and the time until the detector has stored the last one
// counts. It prints tables (Markdown) with the rate, whose reports that would be, and the CPU time
// of each part. Run it in this module's directory: go run ./cmd/benchscale. docs/scale.md has what
// came out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/scale"
)

func main() {
	var o scale.Options
	flag.IntVar(&o.Clients, "clients", 10_000_000, "clients that are active: a request every ten seconds each")
	flag.DurationVar(&o.Duration, "duration", time.Minute, "time that is simulated")
	flag.Float64Var(&o.Speed, "speed", 0, "simulated seconds in one; 0 for as many as are taken")
	flag.IntVar(&o.Connections, "connections", 64, "connections of the simulator")
	flag.StringVar(&o.NATS, "nats", "", "URL of a NATS server with JetStream that has the collector's inbox; SQLite without it")
	flag.StringVar(&o.ClickHouse, "clickhouse", "", "host:port of a ClickHouse server with a database heliograph that has the detector's reports; SQLite without it")
	flag.StringVar(&o.Root, "root", "../..", "the repository")
	flag.StringVar(&o.Dir, "dir", "", "directory for inbox and store, on the disk to be measured (default: a temporary one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := scale.Run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchscale:", err)
		os.Exit(1)
	}
}
