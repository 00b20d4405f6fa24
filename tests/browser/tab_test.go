package browser

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page of the tests in Chromium.
type tab struct {
	t     *testing.T
	ctx   context.Context
	close func() // as a user closes a tab: the page sees pagehide

	mu      sync.Mutex
	console []string // guarded by mu; "warning: …"
}

// pageURL is a page of the fixture's origin that starts the agent with a consent; "": does not
// start it. csp is a name of contentPolicies.
func (f *fixture) pageURL(csp, consent string) string {
	q := url.Values{"app": {f.app}}
	if consent != "" {
		q.Set("consent", consent)
	}
	return f.origin + "/page/" + csp + "?" + q.Encode()
}

// open opens the page in a new tab of the shared browser and waits until its script has run.
func (f *fixture) open(csp, consent string) *tab {
	f.t.Helper()
	return openTab(f.t, f.rig.chrom, f.pageURL(csp, consent))
}

// openTab opens a page of the site in a new tab. scripts run in it before its own.
func openTab(t *testing.T, browser context.Context, url string, scripts ...string) *tab {
	t.Helper()
	tb := newTab(t, browser, scripts...)
	tb.navigate(url)
	return tb
}

// newTab opens an empty tab. scripts will run in its pages before their own.
func newTab(t *testing.T, browser context.Context, scripts ...string) *tab {
	t.Helper()
	return newTabWith(t, browser, nil, scripts...)
}

// newPrivateTab opens an empty tab in a browser context of its own, which is what a private
// window is.
func newPrivateTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	return newTabWith(t, browser, []chromedp.ContextOption{chromedp.WithNewBrowserContext()})
}

func newTabWith(t *testing.T, browser context.Context, options []chromedp.ContextOption, scripts ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, options...)
	tb := &tab{t: t, ctx: ctx}
	tb.close = sync.OnceFunc(func() {
		_ = chromedp.Cancel(ctx) // a tab whose browser was killed cannot be closed
		cancel()
	})
	t.Cleanup(tb.close)
	if err := chromedp.Listen(ctx, tb.note); err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
			t.Fatal(err)
		}
	}
	return tb
}

// note keeps warnings, errors and exceptions of the console.
func (tb *tab) note(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		line := string(e.Type) + ":"
		for _, a := range e.Args {
			line += " " + string(a.Value) + a.Description
		}
		tb.console = append(tb.console, line)
	case *runtime.EventExceptionThrown:
		tb.console = append(tb.console, "exception: "+e.ExceptionDetails.Text)
	}
}

// Console is what the page's scripts wrote, and their uncaught exceptions.
func (tb *tab) Console() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.console)
}

// navigate opens a page in the tab and waits until its script has run.
func (tb *tab) navigate(url string) {
	tb.t.Helper()
	tb.load(url)
	tb.ready()
}

// load opens a page. When the machine's addresses change meanwhile, as by tests that make network
// interfaces, Chromium closes its sockets and gives the page up: then it is asked once more, as a
// user would.
func (tb *tab) load(url string) {
	tb.t.Helper()
	err := chromedp.Do(tb.ctx, chromedp.Navigate(url))
	if err != nil && (strings.Contains(err.Error(), "ERR_SOCKET_NOT_CONNECTED") || strings.Contains(err.Error(), "ERR_NETWORK_CHANGED")) {
		err = chromedp.Do(tb.ctx, chromedp.Navigate(url))
	}
	if err != nil {
		tb.t.Fatal(err)
	}
}

// ready waits until the page's script has run.
func (tb *tab) ready() {
	tb.t.Helper()
	await(tb.t, "the page's script runs: "+fmt.Sprint(tb.Console()), func() bool {
		title, err := chromedp.Run(tb.ctx, chromedp.Title())
		return err == nil && (title == "ready" || title == "elsewhere")
	})
}

// evaluate evaluates an expression in the page, and the promise that it may give.
func evaluate[T any](tb *tab, format string, args ...any) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](fmt.Sprintf(format, args...), chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("%s: %v; console: %q", fmt.Sprintf(format, args...), err, tb.Console())
	}
	return v
}

// do evaluates for its effect.
func (tb *tab) do(format string, args ...any) {
	tb.t.Helper()
	evaluate[chromedp.Void](tb, "(async () => { "+format+" })()", args...)
}

// fail has n requests of the page refused.
func (tb *tab) fail(f *fixture, n int) {
	tb.t.Helper()
	if failed := evaluate[int](tb, "fail(%d, %q)", n, f.refuse+"/checkout/48151623?card=query-secret"); failed != n {
		tb.t.Fatalf("%d of %d requests failed", failed, n)
	}
}
