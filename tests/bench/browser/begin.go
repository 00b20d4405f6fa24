package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// begin has a page begin 50 requests in one task, n times over, and returns that task's CPU time
// each time: here an agent's part is what it does before the page gets its promise, in the
// page's own task.
func (b *browser) begin(url, refuses string, n int) ([]time.Duration, error) {
	ctx, closeTab, err := b.tab(url)
	if err != nil {
		return nil, err
	}
	defer closeTab()
	tasks, done := make(chan time.Duration, 64*n), make(chan struct{})
	if err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *tracing.EventDataCollected:
			for _, v := range e.Value {
				if d, ok := evaluated(v); ok && len(tasks) < cap(tasks) {
					tasks <- d
				}
			}
		case *tracing.EventTracingComplete:
			close(done)
		}
	}); err != nil {
		return nil, err
	}
	config := tracing.TraceConfig{IncludedCategories: []string{"blink", "devtools.timeline", "disabled-by-default-devtools.timeline"}, ExcludedCategories: []string{"*"}}
	if _, err := chromedp.Call(ctx, tracing.Start, tracing.StartParams{TraceConfig: &config}); err != nil {
		return nil, err
	}
	for range n {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](fmt.Sprintf("begin(%q)", refuses))); err != nil {
			return nil, err
		}
		// all have failed by then
		if err := chromedp.Do(ctx, chromedp.Sleep(500*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	if _, err := chromedp.Call(ctx, tracing.End, cdp.Empty{}); err != nil {
		return nil, err
	}
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		return nil, errors.New("the browser's trace did not come within 30 s")
	}
	if len(tasks) < n {
		return nil, fmt.Errorf("the trace has %d evaluated scripts for %d calls", len(tasks), n)
	}
	close(tasks)
	var all []time.Duration
	for d := range tasks {
		all = append(all, d)
	}
	return all, nil
}

// evaluated returns the CPU time of an event of a trace, if that event is an expression that was
// evaluated from here and did more than a poll. A page's or a worker's own scripts come
// with arguments.
func evaluated(event []byte) (time.Duration, bool) {
	var e struct {
		Name, Ph  string
		Dur, Tdur float64 // µs; the thread's time
		Args      map[string]any
	}
	if json.Unmarshal(event, &e) != nil || e.Name != "EvaluateScript" || e.Ph != "X" || len(e.Args) > 0 || e.Dur < 3000 {
		return 0, false
	}
	return time.Duration(e.Tdur * float64(time.Microsecond)), true
}
