// Command benchdetect measures how well the detector judges: simulated faults whose truth is known,
// calm, public data sets, and what a bin costs with many series. Run it in this module's directory:
// go run ./cmd/benchdetect. docs/replay.md has what came out. Data sets are looked for below the
// directory that HELIOGRAPH_DATA names, and are named if they are absent.
//
// To tune: go run ./cmd/benchdetect -only worlds -scenario dark-network,server-dead -seeds 5 -v
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	only      string
	scenarios string
	seeds     int
	first     int
	parallel  int
	peers     bool
	verbose   bool
	plain     bool
	calmDays  int
	calmRate  float64
	starts    int
	series    int
	releases  int
	bin       time.Duration
	evidence  float64
	data      string
}

// parts are what can be chosen by -only, in the order in which they run.
var parts = []struct {
	name string
	run  func(context.Context, *options, io.Writer) error
}{
	{"worlds", worlds},
	{"calm", calm},
	{"load", load},
	{"nab", nab},
	{"rs", localisation},
	{"gate", gates},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchdetect:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	flags := flag.NewFlagSet("benchdetect", flag.ContinueOnError)
	flags.StringVar(&o.only, "only", strings.Join(names, ","), "parts to run")
	flags.StringVar(&o.scenarios, "scenario", "all", "worlds: scenarios to run, or all")
	flags.IntVar(&o.seeds, "seeds", 20, "worlds: seeds of each scenario")
	flags.IntVar(&o.first, "first-seed", 1, "worlds, calm: the first seed")
	flags.IntVar(&o.parallel, "parallel", 1, "runs at a time")
	flags.BoolVar(&o.peers, "peers", true, "run the simple rules beside the detector")
	flags.BoolVar(&o.verbose, "v", false, "print what was wrong in each run")
	flags.BoolVar(&o.plain, "plain", false, "no browsers, deliveries, crashes and late reports in the worlds")
	flags.IntVar(&o.calmDays, "calm-days", 20, "calm: days to simulate")
	flags.Float64Var(&o.calmRate, "calm-rate", 0, "calm: requests per second of the days, with as many fewer clients; 0 for the scenario's 100")
	flags.IntVar(&o.starts, "cold-starts", 20, "calm: cold starts to simulate")
	flags.IntVar(&o.series, "series", 100_000, "load: series")
	flags.IntVar(&o.releases, "releases", 100, "gate: releases of each kind")
	flags.DurationVar(&o.bin, "bin", 0, "width of the detector's bins; 0 for its default")
	flags.Float64Var(&o.evidence, "evidence", 0, "evidence in nats that an alarm takes; 0 for the detector's default")
	flags.StringVar(&o.data, "data", dataDir(), "directory of the public data sets")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for name := range strings.SplitSeq(o.only, ",") {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-only: %q is none of %s", name, strings.Join(names, ", "))
		}
	}
	for _, p := range parts {
		if slices.Contains(strings.Split(o.only, ","), p.name) {
			if err := p.run(ctx, &o, out); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return nil
}

// dataDir is where the public data sets are. A relative path is relative to the repository.
func dataDir() string {
	dir := os.Getenv("HELIOGRAPH_DATA")
	if dir == "" {
		dir = "../shared/data"
	}
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join("..", "..", dir)
}

// absent reports whether a data set is not there, and says so.
func (o *options) absent(out io.Writer, set string) bool {
	dir := filepath.Join(o.data, set)
	if _, err := os.Stat(dir); err != nil {
		fmt.Fprintf(out, "\n### %s: left out, because there is no data: %v. HELIOGRAPH_DATA or -data says where it is.\n", set, err)
		return true
	}
	return false
}

// table prints a Markdown table below a heading.
func table(out io.Writer, heading string, columns []string, rows [][]string) {
	fmt.Fprintf(out, "\n### %s\n\n| %s |\n|%s\n", heading, strings.Join(columns, " | "), "---|"+strings.Repeat("---:|", len(columns)-1))
	for _, row := range rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
	}
}
