package browser

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
)

// TestMapOfThePast: the page shows the map as it was, with its regions, by buttons and by keys
// alone.
func TestMapOfThePast(t *testing.T) {
	dir, start := pageNode(t, probetest.ClosedPort(t))
	keepPast(t, filepath.Join(dir, "map-history"), time.Now().Add(-90*time.Minute))
	node := start()
	ca, err := devca.New("Map test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
	says := func(want string) {
		t.Helper()
		pageHas(t, ctx, fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
	}
	present := func() {
		t.Helper()
		pageHas(t, ctx, `!document.body.innerText.includes("The map as it was") && document.querySelector(".moment output")?.innerText === "now"`)
	}
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		bounded, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		for _, a := range actions {
			if err := chromedp.Do(bounded, a); err != nil {
				t.Fatal(err)
			}
		}
	}
	const slider = `.moment input[type=range]`
	do(chromedp.Navigate("http://" + node.DashboardAddr + "/"))
	says("1 down")
	present()

	press(t, ctx, `.moment button[title="One hour earlier"]`)
	says("The map as it was at")
	says("10 down")
	do(chromedp.Focus(chromedp.CSS(".map-overlay")), chromedp.KeyEvent(kb.ArrowRight))
	says("north › dc-1 › c0 › r0 › srv-00")
	do(chromedp.KeyEvent("n"))
	says("south › dc-1 › c1 › r0 › srv-30")
	// zoom to its data centre and its cluster, and back to all
	trail := func(want string) {
		t.Helper()
		pageHas(t, ctx, fmt.Sprintf(`(document.querySelector(".trail b")?.innerText ?? "") === %q`, want))
	}
	do(chromedp.KeyEvent("+"))
	trail("south › dc-1")
	do(chromedp.KeyEvent("+"))
	trail("c1")
	press(t, ctx, `.trail button[aria-label="The part before"]`)
	trail("c0")
	press(t, ctx, `.trail button`)
	trail("")
	pageHas(t, ctx, `fetch(document.querySelector(".moment a").href).then((r) => r.headers.get("Content-Type") === "image/png")`)
	const at = `document.querySelector(".moment output").innerText`
	var before string
	before, err = chromedp.Run(ctx, chromedp.Evaluate[string](at))
	if err != nil {
		t.Fatal(err)
	}
	press(t, ctx, `.moment button[aria-pressed]`) // plays
	pageHas(t, ctx, fmt.Sprintf(`%s.slice(0, 5) !== %q.slice(0, 5)`, at, before))
	press(t, ctx, `.moment button[aria-pressed=true]`)

	do(chromedp.Focus(chromedp.CSS(slider)), chromedp.KeyEvent(kb.PageUp))
	present()
	says("1 down")
	do(chromedp.KeyEvent(kb.ArrowLeft))
	says("The map as it was at")
	pageHas(t, ctx, `document.querySelector("`+slider+`").getAttribute("aria-valuetext").endsWith("ago")`)
	do(chromedp.KeyEvent(kb.Home))
	pageHas(t, ctx, `document.querySelector("`+slider+`").value === "0"`)
	says("10 down")
	do(chromedp.KeyEvent(kb.End))
	present()
}

// keepPast keeps a frame of 40 servers in two regions, of which a cluster of ten is down.
func keepPast(t *testing.T, dir string, at time.Time) {
	t.Helper()
	var servers []heatmap.Server
	for i := range 40 {
		servers = append(servers, heatmap.Server{
			Name: fmt.Sprintf("srv-%02d", i), Region: []string{"north", "south"}[i/20], DataCentre: "dc-1",
			Cluster: fmt.Sprintf("c%d", i/10%2), Row: "r0",
		})
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		t.Fatal(err)
	}
	m := heatmap.NewMap(topology)
	for i := range servers {
		state := heatmap.Up
		if i >= 30 {
			state = heatmap.Down
		}
		m.Set(i, state, at)
	}
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	if err := past.Append(at, m.Snapshot()); err != nil {
		t.Fatal(err)
	}
}
