package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/model"
)

// TestIncidentPage: an incident has an address of its own, which shows verdict, timeline, curve and
// cells, takes notes and an acknowledgement, and in which what others wrote is inert. The list
// leads to it.
func TestIncidentPage(t *testing.T) {
	var w *world
	for _, g := range glances(t) {
		if g.Name == "server" {
			w = g.world(t)
		}
	}
	const hostile = `<img src=x onerror="document.title='owned'">`
	var id int64
	for n, i := range w.incidents {
		if i.Verdict == model.ServerGroup {
			id = n
		}
		i.Evidence = append(i.Evidence, model.Signal{Text: hostile})
		w.incidents[n] = i
	}
	url, _ := w.serve(t)
	ca, err := devca.New("Incident test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
	open(t, ctx, url+"/#/incidents", 1280, 900, "light")
	says := func(want string) {
		t.Helper()
		becomes(t, ctx, fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
	}
	says("of 30 days")
	press(t, ctx, fmt.Sprintf(`a[href="#/incidents/%d"]`, id))
	for _, want := range []string{"Server web-7 is down", "onset", "open for", "Why this verdict", "192.0.2.7:443", "What else changed", hostile} {
		says(want)
	}
	becomes(t, ctx, fmt.Sprintf(`location.hash === "#/incidents/%d" && document.querySelector("main img") === null && !document.title.includes("owned")`, id))
	becomes(t, ctx, `fetch(document.querySelector(".actions a").href).then((r) => r.text()).then((t) => t.startsWith("# Server web-7 is down"))`)
	becomes(t, ctx, `document.querySelector(".incident-page a[href^='#/explore?']").href.includes("server=192.0.2.7")`)
	err = chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(`.note-form input[autocomplete=name]`), "ada"),
		chromedp.SendKeys(chromedp.CSS(`.note-form label:nth-of-type(2) input`), "the rack is dark "+hostile))
	if err != nil {
		t.Fatal(err)
	}
	press(t, ctx, `.note-form button`)
	says("the rack is dark " + hostile)
	press(t, ctx, `.note-form button[type=button]`)
	says("ada acknowledged it")
	says("acknowledged by ada")
	becomes(t, ctx, `fetch(document.querySelector(".actions a").href).then((r) => r.text()).then((t) => t.includes("ada: the rack is dark \\<img"))`)
	for _, width := range []int64{390, 2560} {
		for _, scheme := range []string{"light", "dark"} {
			// by its address alone
			open(t, ctx, fmt.Sprintf("%s/#/incidents/%d", url, id), width, 900, scheme)
			says("Why this verdict")
			becomes(t, ctx, fmt.Sprintf(`document.documentElement.scrollWidth <= %d`, width))
			picture(t, ctx, fmt.Sprintf("incident-%d-%s", width, scheme))
		}
	}
	open(t, ctx, url+"/#/incidents/123456", 390, 844, "light")
	says("There is no incident 123456")
}

// picture writes a screenshot into the directory SCREENSHOTS, if one is named.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
