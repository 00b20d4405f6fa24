package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// traceMap prints what the main thread of the page with a million servers does for each update, by
// the browser's own trace. Tracing costs time itself: its figures say where the time goes, and
// those of measureMap how much it is.
func traceMap(ctx context.Context, dir string, n int) error {
	m, url, stop, err := serveMillion(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	b, err := startBrowser(ctx, filepath.Join(dir, "traced"))
	if err != nil {
		return err
	}
	defer b.stop()
	ctx, closeTab, _, err := b.mapTab(url)
	if err != nil {
		return err
	}
	defer closeTab()
	if err := chromedp.Do(ctx, chromedp.Sleep(2*between)); err != nil {
		return err
	}
	quiet, err := traced(ctx, func() error { return chromedp.Do(ctx, chromedp.Sleep(time.Duration(n)*between)) })
	if err != nil {
		return err
	}
	busy, err := traced(ctx, func() error {
		for i := range n {
			change(m, i)
			if err := chromedp.Do(ctx, chromedp.Sleep(between)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, b := range busy {
		q := quiet[name]
		busy[name] = spentIn{(b.time - q.time) / time.Duration(n), (b.times - q.times) / float64(n)}
	}
	printParts("for each update", busy)
	load, err := traced(ctx, func() error {
		if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
			return err
		}
		_, err := chromedp.Run(ctx, chromedp.Evaluate[mapLoad](`whole()`, chromedp.EvalAwaitPromise))
		return err
	})
	if err != nil {
		return err
	}
	printParts("until the map is whole", load)
	return nil
}

// printParts prints the largest parts of a trace.
func printParts(when string, parts map[string]spentIn) {
	names := slices.SortedFunc(maps.Keys(parts), func(a, b string) int { return cmp.Compare(parts[b].time, parts[a].time) })
	fmt.Printf("What the main thread does %s, CPU without what it calls:\n\n| event | times | ms |\n|---|---:|---:|\n", when)
	for _, name := range names[:min(len(names), 25)] {
		fmt.Printf("| %s | %.1f | %.2f |\n", name, parts[name].times, ms(parts[name].time))
	}
	fmt.Println()
}

// spentIn is the CPU time of the events of a name, and how many there were.
type spentIn struct {
	time  time.Duration
	times float64
}

// traced is the CPU time of the main thread by the names of the events of a trace, without that of
// the events in them, while do runs.
func traced(ctx context.Context, do func() error) (map[string]spentIn, error) {
	var events []traceEvent
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *tracing.EventDataCollected:
			for _, v := range e.Value {
				var one traceEvent
				if json.Unmarshal(v, &one) == nil {
					events = append(events, one)
				}
			}
		case *tracing.EventTracingComplete:
			close(done)
		}
	}); err != nil {
		return nil, err
	}
	config := tracing.TraceConfig{IncludedCategories: []string{"toplevel", "blink", "cc", "v8", "devtools.timeline", "disabled-by-default-devtools.timeline"},
		ExcludedCategories: []string{"*"}}
	if _, err := chromedp.Call(ctx, tracing.Start, tracing.StartParams{TraceConfig: &config}); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	if _, err := chromedp.Call(ctx, tracing.End, cdp.Empty{}); err != nil {
		return nil, err
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		return nil, errors.New("the browser's trace did not come within a minute")
	}
	return selfTimes(events), nil
}

// traceEvent is an event of a trace that is over; times are in µs, those with T of the thread.
type traceEvent struct {
	Name, Ph       string
	Pid, Tid       int
	Ts, Dur, Tdur  float64
	Args           struct{ Name, FunctionName string }
	ends, children float64
}

// selfTimes sums the events of the busiest of the threads on which pages run.
func selfTimes(events []traceEvent) map[string]spentIn {
	type thread struct{ pid, tid int }
	main := map[thread]bool{}
	for _, e := range events {
		if e.Ph == "M" && e.Name == "thread_name" && e.Args.Name == "CrRendererMain" {
			main[thread{e.Pid, e.Tid}] = true
		}
	}
	byThread := map[thread][]traceEvent{}
	for _, e := range events {
		if at := (thread{e.Pid, e.Tid}); main[at] && e.Ph == "X" {
			byThread[at] = append(byThread[at], e)
		}
	}
	most := map[string]spentIn{}
	var total time.Duration
	for _, all := range byThread {
		if sums, sum := selfTimesOf(all); sum > total {
			most, total = sums, sum
		}
	}
	return most
}

func selfTimesOf(all []traceEvent) (sums map[string]spentIn, total time.Duration) {
	slices.SortStableFunc(all, func(a, b traceEvent) int { return cmp.Or(cmp.Compare(a.Ts, b.Ts), cmp.Compare(b.Dur, a.Dur)) })
	sums = map[string]spentIn{}
	var open []*traceEvent
	count := func(e *traceEvent) {
		s := sums[e.Name]
		sums[e.Name] = spentIn{s.time + time.Duration((e.Tdur-e.children)*float64(time.Microsecond)), s.times + 1}
	}
	for i := range all {
		e := &all[i]
		e.ends = e.Ts + e.Dur
		for len(open) > 0 && open[len(open)-1].ends <= e.Ts {
			count(open[len(open)-1])
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			open[len(open)-1].children += e.Tdur
		} else {
			total += time.Duration(e.Tdur * float64(time.Microsecond))
		}
		open = append(open, e)
	}
	for _, e := range open {
		count(e)
	}
	return sums, total
}
