package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/simulate"
	"github.com/heliograph-net/heliograph/tests/bench/detection"
)

// judgeOptions are the detector's own, but for what flags say.
func (o *options) judgeOptions() judgement.Options {
	return judgement.Options{Bin: o.bin, Evidence: o.evidence, Seed: 1}
}

// change is what the flags make of a scenario.
func (o *options) change(s *simulate.Scenario) {
	if o.plain {
		s.World.Browsers, s.World.Deliveries, s.World.Crashes, s.World.Offline = 0, false, 0, 0
	}
}

// totals sum up all scenarios with faults that people are to be told of.
type totals struct{ faults, paged, exact, verdict, single, falsePages int }

// worlds runs scenarios and prints a table of what became of their faults.
func worlds(ctx context.Context, o *options, out io.Writer) error {
	names := strings.Split(o.scenarios, ",")
	if o.scenarios == "all" {
		names = slices.DeleteFunc(simulate.Names(), func(n string) bool { return n == "calm" || n == "cold-start" })
	}
	var ours, theirs [][]string
	var sum totals
	peerNames := detection.PeerNames()
	for _, name := range names {
		start := time.Now()
		w, err := detection.RunWorld(ctx, detection.WorldOptions{Scenario: name, Seeds: o.seeds, First: o.first, Peers: o.peers, Parallel: o.parallel, Judge: o.judgeOptions(),
			Change: o.change})
		if err != nil {
			return err
		}
		ours = append(ours, row(w, &sum))
		if o.peers {
			theirs = append(theirs, peerRow(w, len(peerNames)))
		}
		if o.verbose {
			tell(out, w)
		}
		fmt.Fprintf(out, "<!-- %s: %v -->\n", name, time.Since(start).Round(time.Millisecond))
	}
	table(out, fmt.Sprintf("Simulated faults, %d seeds", o.seeds), []string{"scenario", "told", "delay median / p90", "exact at first / last", "verdict at first / last",
		"one incident", "false pages", "events a fault", "onset error median"}, ours)
	if sum.faults > 0 {
		of := func(n int) string {
			return fmt.Sprintf("%d/%d (%.1f %%)", n, sum.faults, 100*float64(n)/float64(sum.faults))
		}
		fmt.Fprintf(out, "\nOf all faults that people are to be told of: told %s, exact scope %s, verdict right %s, one incident %s; %d false pages.\n",
			of(sum.paged), of(sum.exact), of(sum.verdict), of(sum.single), sum.falsePages)
	}
	if o.peers {
		table(out, "Delay of the simple rules, median / p90 in s, and their false alarms a day outside of faults", append([]string{"scenario"}, peerNames...), theirs)
	}
	return nil
}

// quiet reports whether nobody is to be told of a fault.
func quiet(t *simulate.Truth) bool {
	return t.Verdict == string(model.LastMile) || t.Verdict == string(model.Forged)
}

func row(w *detection.World, sum *totals) []string {
	var delays, onsets []float64
	var faults, told, opened, exact, exactEver, verdict, lastRight, single, falsePages, events int
	for _, r := range w.Runs {
		falsePages += len(r.FalsePages)
		for _, g := range r.Grades {
			faults++
			events += g.Events
			told += count(g.Paged)
			opened += count(g.Opened)
			exact += count(g.Exact)
			exactEver += count(g.ExactEver)
			verdict += count(g.Verdict)
			lastRight += count(g.LastRight)
			single += count(g.Incidents == 1)
			if g.Opened {
				onsets = append(onsets, math.Abs(float64(g.Onset))/1000)
			}
			if d := float64(g.Delay) / 1000; g.Paged || (g.Opened && quiet(&g.Truth)) {
				delays = append(delays, d)
			} else {
				delays = append(delays, math.Inf(1))
			}
			if !quiet(&g.Truth) {
				sum.faults++
				sum.paged += count(g.Paged)
				sum.exact += count(g.ExactEver)
				sum.verdict += count(g.LastRight)
				sum.single += count(g.Incidents == 1)
			}
		}
	}
	sum.falsePages += falsePages
	if faults == 0 {
		return []string{w.Scenario, "–", "–", "–", "–", "–", fmt.Sprint(falsePages), "–", "–"}
	}
	return []string{w.Scenario, fmt.Sprintf("%d + %d/%d", told, opened-told, faults), pair(delays), fmt.Sprintf("%d / %d", exact, exactEver),
		fmt.Sprintf("%d / %d", verdict, lastRight), fmt.Sprint(single), fmt.Sprint(falsePages), fmt.Sprintf("%.1f", float64(events)/float64(faults)),
		fmt.Sprintf("%.0f s", detection.Quantile(onsets, 0.5))}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// pair writes a median and the 90th percentile; "never" for what is infinite.
func pair(values []float64) string { return seconds(values, 0.5) + " / " + seconds(values, 0.9) }

func seconds(values []float64, q float64) string {
	if x := detection.Quantile(values, q); x < 1e9 {
		return fmt.Sprintf("%.0f", x)
	}
	return "never"
}

func peerRow(w *detection.World, n int) []string {
	cells := []string{w.Scenario}
	for i := range n {
		var delays []float64
		falses, days := 0, 0.0
		for _, r := range w.Runs {
			delays = append(delays, r.Peers[i].Delays...)
			falses += r.Peers[i].False
			days += r.Days
		}
		cells = append(cells, fmt.Sprintf("%s; %.0f", pair(delays), float64(falses)/days))
	}
	return cells
}

// tell prints what was wrong in each run.
func tell(out io.Writer, w *detection.World) {
	for _, r := range w.Runs {
		for _, g := range r.Grades {
			wrong := !g.ExactEver || !g.LastRight || g.Incidents != 1 || g.Paged == quiet(&g.Truth)
			if wrong {
				fmt.Fprintf(out, "%s seed %d: told %v after %.0f s, exact %v/%v, verdict %v/%v, %d incidents, %d events\n  truth %s\n", w.Scenario, r.Seed, g.Paged,
					float64(g.Delay)/1000, g.Exact, g.ExactEver, g.Verdict, g.LastRight, g.Incidents, g.Events, line(g.Truth))
				if g.Paged && !g.Exact {
					fmt.Fprintf(out, "  first %s\n", line(g.First))
				}
				if g.Opened {
					fmt.Fprintf(out, "  last  %s\n", line(g.Said))
				}
			}
		}
		for _, e := range r.FalsePages {
			fmt.Fprintf(out, "%s seed %d: false page %s\n", w.Scenario, r.Seed, line(e))
		}
	}
}

func line(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
