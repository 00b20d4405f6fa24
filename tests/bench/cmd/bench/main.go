// Command bench runs Heliograph's benchmarks beside its peers in interleaved rounds and prints
// tables with ratios (Markdown). Run it in this module's directory: go run ./cmd/bench.
// docs/benchmarks.md has what came out.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/ingest"
)

func main() {
	if len(os.Args) == 6 && os.Args[1] == "serve" { // a child of ingest.Run
		if err := ingest.Serve(os.Args[2], os.Args[3], os.Args[4], ingest.Transport(os.Args[5])); err != nil {
			fmt.Fprintln(os.Stderr, "bench serve:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	rounds      int
	benchTime   string
	loadTime    time.Duration
	soakTime    time.Duration
	overTime    time.Duration
	connections int
	taken       int
	batches     int
	only        string
	otelcol     bool
	dir         string
	profile     string
}

// session is one run.
type session struct {
	options
	out     io.Writer
	targets [][]string // rows of the last table
}

// target notes how a figure compares to what is asked for.
func (s *session) target(what, want, got string, met bool) {
	verdict := "no"
	if met {
		verdict = "yes"
	}
	s.targets = append(s.targets, []string{what, want, got, verdict})
}

// parts are what can be chosen by -only, in the order in which they run.
var parts = []struct {
	name string
	run  func(s *session, ctx context.Context) error
}{
	{"success", (*session).success},
	{"loopback", (*session).loopback},
	{"observe", (*session).observe},
	{"capture", (*session).capture},
	{"wire", (*session).wire},
	{"size", (*session).size},
	{"ingest", (*session).ingest},
	{"intake", (*session).intake},
	{"probes", (*session).probes},
	{"sweep", (*session).sweep},
	{"heatmap", (*session).heatmap},
	{"backlog", (*session).backlog},
	{"soak", (*session).soak},
	{"overload", (*session).overload},
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o := session{out: out}
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	// backlog, soak and overload only when asked for
	usual := strings.Join(names[:len(names)-3], ",")
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "rounds, each of which runs everything once; tables show medians")
	flags.StringVar(&o.benchTime, "benchtime", "300ms", "of each benchmark in each round, as for go test: a time or 100x")
	flags.DurationVar(&o.loadTime, "load", 4*time.Second, "time under load of each server in each round")
	flags.DurationVar(&o.soakTime, "soak", 5*time.Minute, "time of the part soak")
	flags.DurationVar(&o.overTime, "overload", time.Minute, "time of each of the two overloads of the part overload")
	flags.IntVar(&o.taken, "intake", 40_000, "batches of the part intake in each round")
	flags.IntVar(&o.batches, "backlog", 1_000_000, "batches of the part backlog")
	flags.IntVar(&o.connections, "connections", 64, "connections of the load")
	flags.StringVar(&o.only, "only", usual, "parts to run, of "+strings.Join(names, ","))
	flags.BoolVar(&o.otelcol, "otelcol", false, "build and run the OpenTelemetry Collector as well (minutes, and 1 GB of modules, at first)")
	flags.StringVar(&o.dir, "dir", "", "directory for the servers' files, on the disk to be measured (default: a temporary one)")
	flags.StringVar(&o.profile, "profile", "", "directory for CPU profiles of the servers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	testing.Init()
	if err := flag.Set("test.benchtime", o.benchTime); err != nil {
		return fmt.Errorf("-benchtime: %w", err)
	}
	fmt.Fprintf(out, "%s, %s/%s, %d CPUs, %d rounds, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), o.rounds,
		time.Now().UTC().Format(time.DateOnly))
	for name := range strings.SplitSeq(o.only, ",") {
		known := false
		for _, p := range parts {
			if p.name == name {
				known = true
				if err := p.run(&o, ctx); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
		if !known {
			return fmt.Errorf("-only: no part %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	table(out, "Targets", []string{"", "target", "measured", "met"}, o.targets)
	return nil
}

// workDir is where servers keep their files.
func (o options) workDir() (dir string, remove func(), err error) {
	if o.dir != "" {
		dir, err = filepath.Abs(o.dir)
		return dir, func() {}, err
	}
	dir, err = os.MkdirTemp("", "heliograph-bench-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}
