// Command benchhostile attacks collectors and a detector at full size, beside honest traffic, and
// prints a table (Markdown). It fails when an outage of honest clients is not flagged in its time,
// or when memory, disk or what is shown leave their bounds. docs/benchmarks.md has what came out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/heliograph-net/heliograph/tests/bench/hostile"
)

func main() {
	var o hostile.Options
	flag.StringVar(&o.Only, "only", "", "name of the one attack to run")
	flag.StringVar(&o.Dir, "dir", "", "directory for the databases; a temporary one if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := hostile.Run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchhostile:", err)
		os.Exit(1)
	}
}
