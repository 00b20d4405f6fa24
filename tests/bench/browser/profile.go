package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/profiler"
	"github.com/chromedp/chromedp"
)

// share is what of a burst the main thread spent in one script's own code: time that went by, by
// V8's sampling profiler.
type share struct {
	longest time.Duration // in one stretch
	total   time.Duration
}

// share profiles a burst. What the browser's own fetch does on behalf of the page is the page's,
// though the script called it.
func (b *browser) share(url, refuses, script string) (share, error) {
	ctx, closeTab, err := b.tab(url)
	if err != nil {
		return share{}, err
	}
	defer closeTab()
	const interval = 100 // µs
	if _, err = chromedp.Call(ctx, profiler.Enable, cdp.Empty{}); err == nil {
		_, err = chromedp.Call(ctx, profiler.SetSamplingInterval, profiler.SetSamplingIntervalParams{Interval: interval})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, profiler.Start, cdp.Empty{})
	}
	if err != nil {
		return share{}, err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[burst](fmt.Sprintf("burst(%q)", refuses), chromedp.EvalAwaitPromise)); err != nil {
		return share{}, err
	}
	stopped, err := chromedp.Call(ctx, profiler.Stop, cdp.Empty{})
	if err != nil {
		return share{}, err
	}
	return shareOf(stopped.Profile, script)
}

func shareOf(p *profiler.Profile, script string) (s share, err error) {
	own := ownNodes(p, script)
	garbage := map[int64]bool{}
	for _, n := range p.Nodes {
		garbage[n.ID] = n.CallFrame.FunctionName == "(garbage collector)"
	}
	var stretch time.Duration
	for i, id := range p.Samples {
		// garbage that is collected in between prolongs a stretch
		if !own[id] && !(stretch > 0 && garbage[id]) {
			stretch = 0
			continue
		}
		if i+1 < len(p.TimeDeltas) {
			d := time.Duration(max(p.TimeDeltas[i+1], 0)) * time.Microsecond
			stretch += d
			s.total += d
		}
		s.longest = max(s.longest, stretch)
	}
	if s.total == 0 {
		return s, fmt.Errorf("the profile has no sample in %s: it cannot be right", script)
	}
	return s, nil
}

// ownNodes are the nodes of a profile that belong to a script: its functions, and what they call
// but for the browser's fetch.
func ownNodes(p *profiler.Profile, script string) map[int64]bool {
	byID := map[int64]*profiler.ProfileNode{}
	for _, n := range p.Nodes {
		byID[n.ID] = n
	}
	own := map[int64]bool{}
	var mark func(n *profiler.ProfileNode, inside bool)
	mark = func(n *profiler.ProfileNode, inside bool) {
		switch {
		case strings.Contains(n.CallFrame.URL, script):
			inside = true
		case n.CallFrame.URL != "", n.CallFrame.FunctionName == "fetch":
			inside = false
		}
		own[n.ID] = inside
		for _, child := range n.Children {
			mark(byID[child], inside)
		}
	}
	mark(p.Nodes[0], false)
	return own
}
