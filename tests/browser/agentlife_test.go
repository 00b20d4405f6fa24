package browser

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/model"
)

// waiting is how many sealed segments the page's agent has not delivered yet.
func (tb *tab) waiting() int {
	return evaluate[int](tb, "h.stats().then((s) => s.agent?.pending ?? -1)")
}

func (tb *tab) waitingBytes() int {
	return evaluate[int](tb, "h.stats().then((s) => s.agent?.pendingBytes ?? -1)")
}

// TestBrowserKilledWhileOffline: neither service nor collector can be reached, requests of two tabs
// fail, and the browser is killed. Started again with the same profile, now online, it delivers
// everything once.
func TestBrowserKilledWhileOffline(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.gate.Close()
	home := filepath.Join(t.TempDir(), "home")
	if err := trust(home, f.rig.ca); err != nil {
		t.Fatal(err)
	}
	browser, stop, err := startChromium(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	one := openTab(t, browser, f.pageURL("strict", "diagnostics"))
	two := openTab(t, browser, f.pageURL("strict", "diagnostics"))
	for round := range 3 {
		one.fail(f, 5)
		two.fail(f, 7)
		one.do("h.captureError(new Error('round %d')); await h.flush()", round)
		two.do("await h.flush()")
	}
	await(t, "all segments wait", func() bool { return one.waiting() >= 2 && two.waiting() >= 2 })
	process := chromedp.FromContext(browser).Browser.Process()
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-browser.Done() // the connection ends with the process
	if got := f.gate.Requests(); len(got) != 0 {
		t.Fatalf("the collector was reached: %v", got)
	}

	f.gate.Open()
	browser, stop, err = startChromium(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	again := openTab(t, browser, f.pageURL("strict", "diagnostics"))
	// Reports of an earlier page are no reason to load anything: the next failure is.
	again.fail(f, 1)
	again.do("await h.flush()")
	f.awaitStored(counts{"network.failed": 3*5 + 3*7 + 1, "app.error": 3})
	await(t, "nothing waits", func() bool { return again.waiting() == 0 })
}

// TestTwoTabs: both tabs' failures arrive once, whichever tab uploads, and also when the tab that
// uploads is closed meanwhile.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := f.gate.HoldAnswers()
	defer release()
	one, two := f.open("strict", "counts"), f.open("strict", "counts")
	one.fail(f, 3)
	f.gate.AwaitPosts(1) // the first tab uploads, and the collector has it
	two.fail(f, 4)
	two.do("void h.flush()")
	one.close()
	release()
	f.awaitStored(counts{"network.failed": 7})
	two.do("await h.flush()")
	await(t, "nothing waits", func() bool { return two.waiting() == 0 })
	f.awaitStored(counts{"network.failed": 7})
}

// TestHangingCollector: while a collector keeps an upload waiting, what fails is sealed and stored
// all the same, because the tab may die.
func TestHangingCollector(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := f.gate.HoldAnswers()
	defer release()
	tab := f.open("strict", "counts")
	tab.fail(f, 3)
	await(t, "the upload waits for its answer", func() bool { return f.gate.Holding() == 1 })
	tab.fail(f, 4)
	await(t, "the later failures are stored", func() bool { return tab.waiting() >= 2 })
	before := tab.waitingBytes()
	tab.fail(f, 2)
	await(t, "still later ones are, too", func() bool { return tab.waitingBytes() > before })
	if f.gate.Holding() != 1 {
		t.Error("the first upload has ended: it was waited for")
	}
	release()
	f.awaitStored(counts{"network.failed": 9})
}

// TestReload: what a page recorded before a reload arrives once.
func TestReload(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("strict", "counts")
	for range 3 {
		tab.fail(f, 2)
		tab.do("await h.flush()")
		if err := chromedp.Do(tab.ctx, chromedp.Reload()); err != nil {
			t.Fatal(err)
		}
		tab.ready()
	}
	tab.fail(f, 1)
	tab.do("await h.flush()")
	f.awaitStored(counts{"network.failed": 7})
}

// TestClosedMidSend: a tab is closed while the collector has its upload and has not answered. A
// parcel may go out at pagehide as well; the next page asks again; the store has it once.
func TestClosedMidSend(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := f.gate.HoldAnswers()
	defer release()
	tab := f.open("strict", "counts")
	tab.fail(f, 3)
	f.gate.AwaitPosts(1)
	tab.close()
	release()
	f.awaitStored(counts{"network.failed": 3})
	posts := f.gate.Posts()
	next := f.open("strict", "counts")
	next.fail(f, 1)
	next.do("await h.flush()")
	f.gate.AwaitPosts(posts + 1)
	await(t, "nothing waits", func() bool { return next.waiting() == 0 })
	f.awaitStored(counts{"network.failed": 4})
}

// TestParcelsAtPagehide: a worker that cannot reach the collector, as when the tab closes before it
// could, leaves its sealed reports to the page, which sends them as it goes; no other page is
// needed for that. The next page asks again and doubles nothing.
func TestParcelsAtPagehide(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	host := f.app + ".shop.test"
	f.rig.site.setPrelude(host, `{ const real = fetch; self.fetch = (what, how) => String(what).includes("gate.shop.test") ? Promise.reject(new TypeError("cut")) : real(what, how); }`)
	tab := f.open("strict", "counts")
	tab.fail(f, 3)
	tab.do("await h.flush()")
	await(t, "a segment waits", func() bool { return tab.waiting() > 0 })
	if n := f.gate.Posts(); n != 0 {
		t.Fatalf("%d uploads by a worker that is cut off", n)
	}
	tab.leave(f)
	f.awaitStored(counts{"network.failed": 3})
	f.rig.site.setPrelude(host, "")
	tab.navigate(f.pageURL("strict", "counts"))
	tab.fail(f, 1)
	tab.do("await h.flush()")
	await(t, "nothing waits", func() bool { return tab.waiting() == 0 })
	f.awaitStored(counts{"network.failed": 4})
}

// leave navigates to a page without an agent: pagehide.
func (tb *tab) leave(f *fixture) {
	tb.t.Helper()
	tb.load(f.origin + "/")
}

// TestBackForwardCache: a page with the agent at work goes into the back/forward cache, comes back
// as it was, and goes on reporting.
func TestBackForwardCache(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("strict", "counts")
	reasons := make(chan string, 4)
	if err := chromedp.Listen(tab.ctx, func(event any) {
		if e, ok := event.(*page.EventBackForwardCacheNotUsed); ok {
			var why []string
			for _, r := range e.NotRestoredExplanations {
				why = append(why, fmt.Sprintf("%s (%s)", r.Reason, r.Type))
			}
			select {
			case reasons <- strings.Join(why, ", "):
			default:
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	tab.fail(f, 2)
	f.awaitStored(counts{"network.failed": 2})
	await(t, "nothing is under way", func() bool {
		return tab.waiting() == 0 && evaluate[int](tab, "navigator.locks.query().then((all) => all.held.length + all.pending.length)") == 0
	})
	tab.do(`window.mark = "as it was"; addEventListener("pageshow", (event) => { window.restored = event.persisted; })`)
	tab.leave(f)
	if _, err := chromedp.Run(tab.ctx, chromedp.Evaluate[chromedp.Void]("history.back()")); err != nil {
		t.Fatal(err)
	}
	tab.ready()
	await(t, "the page is back", func() bool { return evaluate[bool](tab, "location.pathname.startsWith('/page/')") })
	if !evaluate[bool](tab, `window.mark === "as it was" && window.restored === true`) {
		select {
		case why := <-reasons:
			t.Fatalf("not restored from the back/forward cache: %s", why)
		default:
			t.Fatal("not restored from the back/forward cache, and Chromium does not say why")
		}
	}
	tab.fail(f, 3)
	f.awaitStored(counts{"network.failed": 5})
}

// TestOfflineAndBack: the browser says that it is offline: outcomes are told so, and what waits
// goes out when it is back, without a further failure.
func TestOfflineAndBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("strict", "counts")
	f.gate.Close()
	setOffline(t, tab.ctx, true)
	tab.fail(f, 2)
	tab.do("await h.flush()")
	await(t, "a segment waits", func() bool { return tab.waiting() > 0 })
	f.gate.Open()
	setOffline(t, tab.ctx, false)
	f.awaitStored(counts{"network.offline": 2})
}

// setOffline has the browser tell the page that it is off or on line.
func setOffline(t *testing.T, ctx context.Context, offline bool) {
	t.Helper()
	if _, err := chromedp.Call(ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1,
		UploadThroughput: -1}); err != nil {
		t.Fatal(err)
	}
}

// TestHoursOffline: what was recorded five hours ago, in a page that was closed since, is delivered
// by the next page, and told to be of then.
func TestHoursOffline(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.gate.Close()
	host := f.app + ".shop.test"
	f.rig.site.setPrelude(host, fiveHoursAgo)
	tab := openTab(t, f.rig.chrom, f.pageURL("strict", "diagnostics"), fiveHoursAgo)
	tab.fail(f, 3)
	tab.do("await h.flush()")
	await(t, "a segment waits", func() bool { return tab.waiting() > 0 })
	tab.close()
	f.rig.site.setPrelude(host, "")
	f.gate.Open()
	tab = f.open("strict", "diagnostics")
	tab.fail(f, 1)
	tab.do("await h.flush()")
	f.awaitStored(counts{"network.failed": 4})
	samples, err := f.rig.node.Store.Samples(t.Context(), model.SampleQuery{Since: time.Now().Add(-12 * time.Hour), Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	old := 0
	for i := range samples {
		if age := time.Since(samples[i].At); samples[i].App == f.app && age > 4*time.Hour && age < 6*time.Hour {
			old++
		}
	}
	if old != 3 {
		t.Errorf("%d samples are told to be of five hours ago, want 3", old)
	}
}

// fiveHoursAgo sets a script's clock back.
const fiveHoursAgo = `{
  const now = Date.now.bind(Date);
  globalThis.Date = class extends Date {
    constructor(...parts) { parts.length > 0 ? super(...parts) : super(now() - 5 * 3600e3); }
    static now() { return now() - 5 * 3600e3; }
  };
}`

// TestBurst: 1,000 failures are all counted, and the page hands them over in batches: in fewer
// messages than there are failures.
func TestBurst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := openTab(t, f.rig.chrom, f.pageURL("strict", "diagnostics"), `
	  window.handed = 0;
	  const post = Worker.prototype.postMessage;
	  Worker.prototype.postMessage = function (...all) { window.handed++; return post.apply(this, all); };`)
	for range 20 {
		tab.fail(f, 50)
	}
	tab.do("await h.flush()")
	f.awaitStored(counts{"network.failed": 1000})
	if handed := evaluate[int](tab, "handed"); handed == 0 || handed >= 1000 {
		t.Errorf("%d messages to the worker", handed)
	}
	if dropped := evaluate[string](tab, "h.stats().then((s) => JSON.stringify([s.dropped, s.agent.dropped]))"); dropped != "[0,{}]" {
		t.Errorf("dropped %s", dropped)
	}
}
