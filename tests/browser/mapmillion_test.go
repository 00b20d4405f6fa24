package browser

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/heliograph-net/heliograph/cmd/heliograph/fleet"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// TestMapOfAMillion: the page shows a million servers, and goes through their past without being
// sent their groups at each step.
func TestMapOfAMillion(t *testing.T) {
	url := serveMillion(t)
	ca, err := devca.New("Map test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
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
	do(chromedp.Navigate(url))
	pageHas(t, ctx, `document.body.innerText.includes("10,000 down")`)
	pageHas(t, ctx, `document.querySelector(".map canvas")?.height > 200`)
	do(chromedp.Focus(chromedp.CSS(`.moment input[type=range]`)))
	key := kb.Home
	for _, down := range []string{"9,500", "9,600", "9,700"} {
		do(chromedp.KeyEvent(key))
		pageHas(t, ctx, fmt.Sprintf(`document.body.innerText.includes("The map as it was at") && document.body.innerText.includes("%s down")`, down))
		key = kb.ArrowRight
	}
	do(chromedp.KeyEvent(kb.End))
	pageHas(t, ctx, `document.body.innerText.includes("10,000 down")`)
	do(chromedp.Focus(chromedp.CSS(".map-overlay")), chromedp.KeyEvent(kb.End))
	pageHas(t, ctx, `/› s0000\d\d\d/.test(document.body.innerText)`)
	do(chromedp.KeyEvent("n"))
	pageHas(t, ctx, `document.body.innerText.includes("down since")`)
	// The groups of a million servers are a megabyte, and come once; their bits are 125,000 bytes.
	pageHas(t, ctx, `performance.getEntriesByType("resource").filter(e => e.name.includes("at=")).length >= 6`)
	pageHas(t, ctx, `performance.getEntriesByType("resource").filter(e => e.name.includes("/servers") && e.transferSize > 130_000).length === 1`)
}

// serveMillion serves a page with a million servers of which 10,000 are down, and 100 fewer in each
// minute before. It returns its URL.
func serveMillion(t *testing.T) string {
	t.Helper()
	demo, err := fleet.Demo(heatmap.MaxServers, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	past, err := history.Open(history.Options{Dir: filepath.Join(t.TempDir(), "past")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = past.Close() })
	const minutes = 5
	now, m := time.Now().Truncate(time.Minute), heatmap.NewMap(demo.Topology)
	late := minutes * 100 // so many of those that are down now fail only in these minutes
	for i := range demo.Topology.Len() {
		if s := demo.State(i); s == heatmap.Up || late == 0 {
			m.Set(i, s, now)
		} else {
			m.Set(i, heatmap.Up, now)
			late--
		}
	}
	failed := 0
	for minute := range minutes {
		if err := past.Append(now.Add(time.Duration(minute-minutes)*time.Minute), m.Snapshot()); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 100; failed++ {
			if demo.State(failed) == heatmap.Down {
				m.Set(failed, heatmap.Down, now)
				n++
			}
		}
	}
	events, state, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = events.Close(), state.Close() })
	d, err := dashboards.New(dashboards.Options{Reader: detector.Reader(events, state), Servers: m, Past: past})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(d.Run)
	t.Cleanup(func() { _ = stop() })
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	return server.URL
}
