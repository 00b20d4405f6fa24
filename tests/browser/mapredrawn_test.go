package browser

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/fleet"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// picturesDiffer compares the map that is shown with one that is stored in the page's session.
const picturesDiffer = `document.querySelector(".map canvas").toDataURL() !== sessionStorage.map`

// TestMapIsRedrawnInPart: of servers that change only these are drawn, and the picture is the one
// that a fresh page draws, with cells of many pixels and of one.
func TestMapIsRedrawnInPart(t *testing.T) {
	ctx := viewsBrowser(t)
	for _, n := range []int{300, 200_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			demo, err := fleet.Demo(n, 0.01)
			if err != nil {
				t.Fatal(err)
			}
			m := heatmap.NewMap(demo.Topology)
			down := 0
			for i := range n {
				m.Set(i, demo.State(i), time.Now())
				if demo.State(i) == heatmap.Down {
					down++
				}
			}
			events, state := emptyStore(t)
			d, err := dashboards.New(dashboards.Options{Reader: detector.Reader(events, state), Servers: m})
			if err != nil {
				t.Fatal(err)
			}
			stop := lifecycle.Background(d.Run)
			server := httptest.NewServer(d)
			t.Cleanup(func() { _ = stop(); server.Close() }) // streams end first
			shows := func(down int) {
				t.Helper()
				text := fmt.Sprintf("%d down", down)
				if down >= 1000 {
					text = fmt.Sprintf("%d,%03d down", down/1000, down%1000)
				}
				becomes(t, ctx, fmt.Sprintf(`document.querySelector(".panel-servers").innerText.includes(%q) && document.querySelector(".map canvas").height > 20`, text))
			}
			open(t, ctx, server.URL, 1280, 900, "light")
			shows(down)
			for _, i := range []int{0, 1, n / 2, n - 1} { // corners, neighbours, and one within
				if s, _ := m.State(i); s == heatmap.Down {
					m.Set(i, heatmap.Up, time.Now())
					down--
				} else {
					m.Set(i, heatmap.Down, time.Now())
					down++
				}
			}
			shows(down)
			// the text is there with the picture, or a frame before it
			becomes(t, ctx, `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`sessionStorage.map = document.querySelector(".map canvas").toDataURL()`)); err != nil {
				t.Fatal(err)
			}
			open(t, ctx, server.URL, 1280, 900, "light")
			shows(down)
			becomes(t, ctx, `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
			differ, err := chromedp.Run(ctx, chromedp.Evaluate[bool](picturesDiffer))
			if err != nil || differ {
				t.Errorf("the picture is not what a fresh page draws (%v)", err)
			}
		})
	}
}
