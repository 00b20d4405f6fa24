package browser

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/demo/page"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// TestDemoPage clicks through the demonstration's page: opt in, break things with every button, and
// read what was sent and what arrived.
func TestDemoPage(t *testing.T) {
	t.Parallel()
	r := shared(t)
	p, err := page.New(page.Options{
		Listen: "127.0.0.1:0", Reports: r.node.Store, Dashboard: "http://" + r.node.DashboardAddr + "/", Logger: slog.New(slog.DiscardHandler),
		Collectors: []page.Collector{{ID: "c0", URL: "http://" + r.node.CollectorAddr}, {ID: "c1", URL: "http://" + r.node.CollectorAddr}},
		SignPolicy: func(urls []string) ([]byte, error) { return signPolicy(t, r.dir, "demo", urls...), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	before := storedOf(t, r.node.Store, page.App)
	tab := newTab(t, r.chrom, "Math.random = () => 0.99;") // no coin starts the agent for a success
	tab.load("http://" + p.Addr() + "/")
	click := func(selector string) {
		t.Helper()
		if err := chromedp.Do(tab.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
			t.Fatalf("%s: %v; console %q", selector, err, tab.Console())
		}
	}
	shows := func(selector, want string) {
		t.Helper()
		await(t, selector+" shows "+want, func() bool {
			return strings.Contains(evaluate[string](tab, "document.querySelector(%q).innerText", selector), want)
		})
	}
	shows("#agent-state", "Nothing is loaded")
	await(t, "the page takes clicks", func() bool { return evaluate[bool](tab, `!document.querySelector("main").inert`) })
	click("input[value=diagnostics]")
	shows("#agent-state", "Nothing is loaded until something fails")
	click("#collector")
	shows("#collector", "is down")
	acts := evaluate[[]string](tab, `[...document.querySelectorAll("button[data-do]")].map((b) => b.dataset.do).filter((d) => d !== "collector")`)
	if len(acts) < 10 {
		t.Fatalf("buttons %q", acts)
	}
	for i, act := range acts {
		click("button[data-do=" + act + "]")
		await(t, act+" is in the log", func() bool { return evaluate[int](tab, `document.querySelectorAll("#log li").length`) >= i+2 })
	}
	want := counts{"ok": 1, "network.failed": 2 + 1000, "network.timed_out": 1, "abandoned": 1, "http.error": 3, "app.error": 2}
	for kind, n := range before {
		want[kind] += n
	}
	awaitStored(t, r.node.Store, page.App, want)
	shows("#totals", evaluate[string](tab, `(%d).toLocaleString("en")`, int(want["network.failed"])))
	shows("#sent", "network.failed")
	shows("#sent", "to collector c1")
	click("#collector")
	shows("#collector", "First collector down")
	if href := evaluate[string](tab, `document.querySelector("#dashboard").href`); href != "http://"+r.node.DashboardAddr+"/" {
		t.Errorf("the link to the dashboard goes to %s", href)
	}
	for _, line := range tab.Console() {
		if !strings.Contains(line, "the cart holds -1 lamps") && !strings.Contains(line, "nobody waits for this") && line != "exception: Uncaught" && line != "exception: Uncaught (in promise)" {
			t.Errorf("console: %s", line)
		}
	}
	click("input[value=off]")
	shows("#sent", "reporting is off")
	await(t, "nothing is kept", func() bool { return evaluate[int](tab, "indexedDB.databases().then((d) => d.length)") == 0 })
}
