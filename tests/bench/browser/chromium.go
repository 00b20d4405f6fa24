package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium with a profile of its own.
type browser struct {
	ctx  context.Context
	stop func()
}

func startBrowser(ctx context.Context, profile string) (*browser, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("%w: run tests/setup.sh", err)
	}
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, cancelTab := chromedp.NewContext(ctx)
	b := &browser{ctx: ctx, stop: func() { cancelTab(); cancelAllocator() }}
	if err := chromedp.Do(ctx); err != nil {
		b.stop()
		return nil, fmt.Errorf("starting chromium: %w", err)
	}
	return b, nil
}

// tab opens a URL in a new tab and waits until its script has run.
func (b *browser) tab(url string) (ctx context.Context, closeTab func(), err error) {
	ctx, cancel := chromedp.NewContext(b.ctx)
	closeTab = func() { _ = chromedp.Cancel(ctx); cancel() }
	if _, err = chromedp.Call(ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err == nil {
		err = chromedp.Do(ctx, chromedp.Navigate(url))
	}
	if err == nil {
		_, err = chromedp.Run(ctx, chromedp.Poll[bool](`document.title === "ready"`, chromedp.WithPollingInterval(20*time.Millisecond)))
	}
	if err != nil {
		closeTab()
		return nil, nil, err
	}
	return ctx, closeTab, nil
}

// load is what a page load cost the main thread, CPU time.
type load struct{ script, tasks time.Duration }

func (b *browser) load(url string) (l load, err error) {
	ctx, closeTab, err := b.tab(url)
	if err != nil {
		return l, err
	}
	defer closeTab()
	// what is put off until the page is idle counts too
	if err := chromedp.Do(ctx, chromedp.Sleep(300*time.Millisecond)); err != nil {
		return l, err
	}
	return spent(ctx)
}

// spent is the CPU time that the page's process has spent on its main thread so far.
func spent(ctx context.Context) (l load, err error) {
	all, err := chromedp.Call(ctx, performance.GetMetrics, cdp.Empty{})
	for _, m := range all.Metrics {
		switch d := time.Duration(m.Value * float64(time.Second)); m.Name {
		case "ScriptDuration":
			l.script = d
		case "TaskDuration":
			l.tasks = d
		}
	}
	return l, err
}

// burst is what 1,000 failures did to a page.
type burst struct {
	Long    int           `json:"long"`    // tasks of 50 ms or more
	Longest float64       `json:"longest"` // ms, the longest of those
	Pause   float64       `json:"pause"`   // ms
	tasks   time.Duration // CPU time
}

func (b *browser) burst(url, refuses string) (one burst, err error) {
	ctx, closeTab, err := b.tab(url)
	if err != nil {
		return one, err
	}
	defer closeTab()
	before, err := spent(ctx)
	if err != nil {
		return one, err
	}
	if one, err = chromedp.Run(ctx, chromedp.Evaluate[burst](fmt.Sprintf("burst(%q)", refuses), chromedp.EvalAwaitPromise)); err != nil {
		return one, err
	}
	after, err := spent(ctx)
	one.tasks = after.tasks - before.tasks
	return one, err
}

// requests tells how long a request of a page takes that is answered, and one that fails,
// in microseconds.
func (b *browser) requests(url string) (answered, failed float64, err error) {
	ctx, closeTab, err := b.tab(url)
	if err != nil {
		return 0, 0, err
	}
	defer closeTab()
	each := func(path string) (us float64) {
		if err == nil {
			us, err = chromedp.Run(ctx, chromedp.Evaluate[float64](fmt.Sprintf("each(%q)", path), chromedp.EvalAwaitPromise))
		}
		return us
	}
	answered = each("/answered")
	failed = each("/fails") // last: it starts the worker
	return answered, failed, err
}

// first times a page's first failure until its report reaches the collector.
func (b *browser) first(st *stage) (time.Duration, error) {
	ctx, closeTab, err := b.tab(st.page("heliograph"))
	if err != nil {
		return 0, err
	}
	defer closeTab()
	select {
	case <-st.arrived: // of an earlier page
	default:
	}
	began := time.Now()
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[chromedp.Void](fmt.Sprintf("first(%q)", st.refuses), chromedp.EvalAwaitPromise)(ctx, t)
		return err
	})); err != nil {
		return 0, err
	}
	var took time.Duration
	select {
	case at := <-st.arrived:
		took = at.Sub(began)
	case <-time.After(30 * time.Second):
		return 0, fmt.Errorf("no report reached the collector within 30 s")
	}
	_, err = chromedp.Run(ctx, chromedp.Evaluate[bool]("settled()", chromedp.EvalAwaitPromise))
	return took, err
}
