package browser

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// shownTab is a tab that shows the dashboard, in Chromium or Firefox.
type shownTab struct {
	becomes func(js string)
	close   func()
}

// TestTabsShareAStream: ten tabs of one browser, which opens six connections to a server over
// HTTP/1.1, are all live with one stream. The tab that has it is closed, and the others go on; they
// lose their connection together, and are live again together.
func TestTabsShareAStream(t *testing.T) {
	t.Run("Chromium", func(t *testing.T) {
		ctx := viewsBrowser(t)
		shareAStream(t, func(url string) shownTab {
			tb := newTabWith(t, ctx, nil)
			if err := chromedp.Do(tb.ctx, chromedp.Navigate(url)); err != nil {
				t.Fatal(err)
			}
			return shownTab{func(js string) { becomes(t, tb.ctx, js) }, tb.close}
		})
	})
	t.Run("Firefox", func(t *testing.T) {
		browser := startFirefox(t, filepath.Join(t.TempDir(), "profile"))
		shareAStream(t, func(url string) shownTab {
			var created struct {
				Context string `json:"context"`
			}
			browser.call("browsingContext.create", map[string]any{"type": "tab"}, &created)
			browser.navigate(created.Context, url)
			return shownTab{
				func(js string) {
					await(t, js, func() bool { return browser.eval(created.Context, "%s", js) == true })
				},
				func() { browser.close(created.Context) },
			}
		})
	})
}

const (
	tabLive = `document.querySelector(".stream")?.className.includes("live") === true`
	tabLost = `document.body.innerText.includes("Connection to Heliograph lost")`
)

func shareAStream(t *testing.T, open func(url string) shownTab) {
	w, incident := burning(t)
	known := w.incidents
	w.incidents = nil
	options := w.stored(t)
	options.MaxStreams = 2 // that of a tab that is closed may end after the next one begins
	url, stop := options.serve(t, "127.0.0.1:0")
	var tabs []shownTab
	for i := range 10 {
		view := []string{"", "#/reach", "#/incidents"}[i%3]
		tabs = append(tabs, open(url+"/"+view))
		tabs[i].becomes(tabLive)
	}
	all := func(js string) {
		t.Helper()
		for _, tab := range tabs {
			tab.becomes(js)
		}
	}
	all(tabLive)
	tabs[0].close() // it was the first, and has the stream
	tabs = tabs[1:]
	step := detector.Step{Bin: time.Now(), Events: []model.Event{{Kind: model.Opened, Incident: known[incident]}}}
	if err := options.Journal.(detector.State).SaveStep(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	all(`document.querySelector(".level")?.innerText === "Incident" && ` + tabLive)
	stop()
	all(tabLost)
	options.serve(t, strings.TrimPrefix(url, "http://"))
	all(tabLive + ` && document.querySelector("main").className === "" && document.querySelector(".level").innerText === "Incident"`)
}

// TestTabThatSleeps: the tab that has the stream is put to sleep, or its scripts stop without a
// word: another one takes over.
func TestTabThatSleeps(t *testing.T) {
	w, incident := burning(t)
	known := w.incidents
	w.incidents = nil
	options := w.stored(t)
	url, _ := options.serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	var tabs []*tab
	for range 3 {
		tb := newTabWith(t, ctx, nil)
		if err := chromedp.Do(tb.ctx, chromedp.Navigate(url)); err != nil {
			t.Fatal(err)
		}
		becomes(t, tb.ctx, tabLive)
		tabs = append(tabs, tb)
	}
	events := []model.Event{{Kind: model.Opened, Incident: known[incident]}}
	tell := func(want string) {
		t.Helper()
		if err := options.Journal.(detector.State).SaveStep(t.Context(), detector.Step{Bin: time.Now(), Events: events}); err != nil {
			t.Fatal(err)
		}
		becomes(t, tabs[2].ctx, want)
	}
	if _, err := chromedp.Call(tabs[0].ctx, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateFrozen}); err != nil {
		t.Fatal(err)
	}
	tell(`document.querySelector(".level").innerText === "Incident" && ` + tabLive)
	// the second has it now
	if _, err := chromedp.Call(tabs[1].ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	over := known[incident]
	over.Until = time.Now()
	events = []model.Event{{Kind: model.Cleared, Incident: over}}
	tell(`document.querySelector(".level").innerText !== "Incident" && ` + tabLive)
}

// TestTabsLogOutTogether: who logs out in one tab is logged out in the others, too.
func TestTabsLogOutTogether(t *testing.T) {
	const password = "correct horse battery"
	hash, err := access.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	url := guarded(t, access.Settings{Users: []access.User{{Name: "ada", Role: access.Operator, Hash: hash}, {Name: "vic", Role: access.Viewer, Hash: hash}}})
	ctx := viewsBrowser(t)
	logIn := func(tb context.Context, name string) {
		t.Helper()
		becomes(t, tb, `document.querySelector("form") !== null`)
		if err := chromedp.Do(tb, chromedp.SendKeys(chromedp.CSS(`input[name=name]`), name), chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
			chromedp.Click(chromedp.CSS("form button"))); err != nil {
			t.Fatal(err)
		}
	}
	var tabs []*tab
	for range 3 {
		tb := newTabWith(t, ctx, nil)
		if err := chromedp.Do(tb.ctx, chromedp.Navigate(url+"/")); err != nil {
			t.Fatal(err)
		}
		if len(tabs) == 0 {
			logIn(tb.ctx, "ada")
		}
		tabs = append(tabs, tb)
		becomes(t, tb.ctx, fmt.Sprintf(`document.body.innerText.includes("ada, operator") && %s`, tabLive))
	}
	press(t, tabs[1].ctx, ".who-am-i button")
	for _, tb := range tabs {
		becomes(t, tb.ctx, `document.querySelector("form") !== null`)
	}
	logIn(tabs[2].ctx, "vic")
	becomes(t, tabs[2].ctx, fmt.Sprintf(`document.body.innerText.includes("vic, viewer") && %s`, tabLive))
}
