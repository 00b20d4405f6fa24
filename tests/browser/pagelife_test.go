package browser

import (
	"bufio"
	_ "embed"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// pacedClock replaces a page's clock by one whose pace a test sets.
//
//go:embed testdata/clock.js
var pacedClock string

// TestAnHourWithoutConnection: the dashboard is gone for an hour, of which the page's clock makes
// seconds. The page says how old what it shows is, asks again all the time, and goes on by itself
// when the dashboard is back, with what is new.
func TestAnHourWithoutConnection(t *testing.T) {
	w, incident := burning(t)
	known := w.incidents
	w.incidents = nil
	options := w.stored(t)
	url, stop := options.serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: pacedClock}); err != nil {
		t.Fatal(err)
	}
	open(t, ctx, url, 390, 844, "light")
	becomes(t, ctx, `document.querySelector(".stream").className.includes("live") && document.querySelector(".panel-networks tbody tr") !== null`)
	pace := func(rate int) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`pace(%d)`, rate))); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	becomes(t, ctx, `document.body.innerText.includes("Connection to Heliograph lost")`)
	pace(1000)
	becomes(t, ctx, `/What you see is from 1 h( \d+ min)? ago/.test(document.body.innerText)`)
	becomes(t, ctx, `document.querySelector(".level").innerText === "Stale" && document.querySelector("main").className === "stale"`)

	state := options.Journal.(detector.State)
	step := detector.Step{Bin: time.Now(), Events: []model.Event{{Kind: model.Opened, Incident: known[incident]}}}
	if err := state.SaveStep(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	pace(20) // the next try is planned within half a minute
	options.serve(t, strings.TrimPrefix(url, "http://"))
	becomes(t, ctx, `!document.body.innerText.includes("Connection to Heliograph lost") && document.querySelector(".level").innerText === "Incident"`)
	becomes(t, ctx, `document.querySelector("main").className === "" && document.body.innerText.includes("192.0.2.7:443")`)
}

// TestEachViewOutlivesARestart: while a view is shown, and while it is first asked for, the
// dashboard is gone. The view says so, and comes when the dashboard is back.
func TestEachViewOutlivesARestart(t *testing.T) {
	w, incident := burning(t)
	options := w.whole(t)
	url, stop := options.serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	const lost, back = `document.body.innerText.includes("Connection to Heliograph lost") && document.querySelector("main").className === "stale"`,
		`!document.body.innerText.includes("Connection to Heliograph lost") && document.querySelector("main").className === ""`
	for i, v := range pageViews {
		next := pageViews[(i+1)%len(pageViews)]
		open(t, ctx, v.address(url, incident), 390, 844, "light")
		becomes(t, ctx, v.shown()+` && document.querySelector(".stream").className.includes("live")`)
		stop()
		becomes(t, ctx, lost)
		becomes(t, ctx, v.shown()) // as it was
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = %q`, next.address("", incident)[1:]))); err != nil {
			t.Fatal(err)
		}
		// It has failed to come, or was here already.
		becomes(t, ctx, `!document.querySelector("main").innerText.includes("Loading")`)
		_, stop = options.serve(t, strings.TrimPrefix(url, "http://"))
		becomes(t, ctx, back)
		becomes(t, ctx, next.shown())
	}
}

// TestSixtyPages: sixty pages are open at once, three of them in browsers of their own. All
// are sent what changes; when there is no room for one more, it is told so.
func TestSixtyPages(t *testing.T) {
	const streams, tabs = 57, 3
	w, incident := burning(t)
	known := w.incidents
	w.incidents = nil
	options := w.stored(t)
	options.MaxStreams = streams + tabs
	url, _ := options.serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	var pages []*tab
	for range tabs {
		tb := newPrivateTab(t, ctx)
		if err := chromedp.Do(tb.ctx, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
		becomes(t, tb.ctx, `document.querySelector(".stream")?.className.includes("live")`)
		pages = append(pages, tb)
	}
	var started, told sync.WaitGroup
	for range streams {
		started.Add(1)
		told.Go(func() { follow(t, url+"/api/v1/stream?sections=now,incidents", started.Done) })
	}
	started.Wait()
	resp, err := http.Get(url + "/api/v1/stream?sections=now")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one stream too many: %s", resp.Status)
	}
	step := detector.Step{Bin: time.Now(), Events: []model.Event{{Kind: model.Opened, Incident: known[incident]}}}
	if err := options.Journal.(detector.State).SaveStep(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	told.Wait()
	for _, tb := range pages {
		becomes(t, tb.ctx, `document.querySelector(".level").innerText === "Incident"`)
	}
}

// follow reads a stream until it tells of an incident. It calls started after the first event.
func follow(t *testing.T, url string, started func()) {
	started = sync.OnceFunc(started)
	defer started()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	watchdog := time.AfterFunc(patience, func() { resp.Body.Close() })
	defer watchdog.Stop()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			started()
			if strings.Contains(lines.Text(), `"state":"incident"`) {
				return
			}
		}
	}
	t.Errorf("%s: %s, and then it ends without the incident: %v", url, resp.Status, lines.Err())
}

// TestViewsInFirefox: Firefox shows every view too, dark, without sideways scrolling, and axe-core
// finds nothing serious in it.
func TestViewsInFirefox(t *testing.T) {
	w, incident := burning(t)
	url, _ := w.whole(t).serve(t, "127.0.0.1:0")
	browser := startFirefox(t, filepath.Join(t.TempDir(), "profile"), `user_pref("ui.systemUsesDarkTheme", 1);`)
	source := axe(t)
	var created struct {
		Context string `json:"context"`
	}
	browser.call("browsingContext.create", map[string]any{"type": "tab"}, &created)
	tab := created.Context
	for _, v := range pageViews {
		for _, width := range widths[:2] {
			browser.call("browsingContext.setViewport", map[string]any{"context": tab, "viewport": map[string]any{"width": width, "height": 900}}, nil)
			browser.navigate(tab, "about:blank")
			browser.navigate(tab, v.address(url, incident))
			await(t, v.name+" is whole", func() bool { return browser.eval(tab, "%s", v.shown()) == true })
			if wide := browser.eval(tab, "%s", widest); wide != "" {
				t.Errorf("%s: at %d px wide it scrolls sideways, for %v", v.name, width, wide)
			}
		}
		browser.call("script.evaluate", map[string]any{"target": map[string]any{"context": tab}, "awaitPromise": false, "resultOwnership": "none",
			"expression": source + "; 0"}, nil)
		for _, found := range browser.eval(tab, "%s", runAxe).([]any) {
			t.Errorf("%s: %v", v.name, found)
		}
	}
}
