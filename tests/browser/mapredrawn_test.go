package browser

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/fleet"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// pictureOfMap is the map's picture, of which every canvas is a band. Their own pixels cannot be
// read where they are drawn off the screen.
const pictureOfMap = `[...document.querySelectorAll(".map canvas")].map((band) => {
	const copy = Object.assign(document.createElement("canvas"), { width: band.width, height: band.height });
	copy.getContext("2d").drawImage(band, 0, 0);
	return copy.toDataURL();
}).join(" ")`

// onScreen has pages draw on the canvases that are seen, as in browsers that have no others: what
// is drawn can be read at once.
const onScreen = `delete HTMLCanvasElement.prototype.transferControlToOffscreen`

// picturesDiffer compares the map that is shown with one that is stored in the page's session.
const picturesDiffer = pictureOfMap + ` !== sessionStorage.map`

// TestMapIsRedrawnInPart: of servers that change only these are drawn, and the picture is the one
// that a fresh page draws, with cells of many pixels and of one.
func TestMapIsRedrawnInPart(t *testing.T) {
	ctx := newTab(t, viewsBrowser(t), onScreen).ctx
	for _, n := range []int{300, 200_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			m, url := serveFleet(t, n)
			shows := func() {
				t.Helper()
				down := m.Snapshot().Counts().Down
				text := fmt.Sprintf("%d down", down)
				if down >= 1000 {
					text = fmt.Sprintf("%d,%03d down", down/1000, down%1000)
				}
				becomes(t, ctx, fmt.Sprintf(`document.querySelector(".panel-servers").innerText.includes(%q) && document.querySelector(".map canvas")?.height > 20`, text))
				// the text is there with the picture, or a frame before it
				becomes(t, ctx, `new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
			}
			open(t, ctx, url, 1280, 900, "light")
			shows()
			for _, i := range []int{0, 1, n / 2, n - 1} { // corners, neighbours, and one within
				if s, _ := m.State(i); s == heatmap.Down {
					m.Set(i, heatmap.Up, time.Now())
				} else {
					m.Set(i, heatmap.Down, time.Now())
				}
			}
			shows()
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`sessionStorage.map = `+pictureOfMap)); err != nil {
				t.Fatal(err)
			}
			open(t, ctx, url, 1280, 900, "light")
			shows()
			differ, err := chromedp.Run(ctx, chromedp.Evaluate[bool](picturesDiffer))
			if err != nil || differ {
				t.Errorf("the picture is not what a fresh page draws (%v)", err)
			}
		})
	}
}

// TestMapIsDrawnOffScreen: what is drawn off the screen is the same picture, also after a change,
// in a tab that was hidden meanwhile.
func TestMapIsDrawnOffScreen(t *testing.T) {
	browser := viewsBrowser(t)
	m, url := serveFleet(t, 20_000)
	off, on := newTab(t, browser), newTab(t, browser, onScreen) // the second hides the first
	for _, tb := range []*tab{off, on} {
		open(t, tb.ctx, url, 1280, 900, "light")
		becomes(t, tb.ctx, `document.querySelector(".panel-servers").innerText.includes("200 down") && document.querySelector(".map canvas")?.height > 20`)
	}
	show := func(tb *tab) {
		t.Helper()
		if _, err := chromedp.Call(tb.ctx, page.BringToFront, cdp.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
	same := func() {
		t.Helper()
		want := evaluate[string](on, "%s", pictureOfMap)
		show(off)
		becomes(t, off.ctx, pictureOfMap+fmt.Sprintf(` === %q`, want))
	}
	same()
	show(on)
	for i := range 20_000 {
		if s, _ := m.State(i); s == heatmap.Down && i > 10_000 {
			m.Set(i, heatmap.Up, time.Now())
			break
		}
	}
	for _, tb := range []*tab{on, off} {
		becomes(t, tb.ctx, `document.querySelector(".panel-servers").innerText.includes("199 down")`)
	}
	same()
}

// TestMapIsDrawnInFirefox: Firefox, too, shows what is drawn off the screen, and what changes.
func TestMapIsDrawnInFirefox(t *testing.T) {
	m, url := serveFleet(t, 300)
	browser := startFirefox(t, filepath.Join(t.TempDir(), "profile"))
	var created struct {
		Context string `json:"context"`
	}
	browser.call("browsingContext.create", map[string]any{"type": "tab"}, &created)
	browser.navigate(created.Context, url)
	const vermillion = `[...document.querySelectorAll(".map canvas")].reduce((n, band) => {
		const copy = new OffscreenCanvas(band.width, band.height).getContext("2d");
		copy.drawImage(band, 0, 0);
		const { data } = copy.getImageData(0, 0, band.width, band.height);
		for (let i = 0; i < data.length; i += 4) if (data[i] === 0xd5 && data[i + 1] === 0x5e && data[i + 2] === 0) n++;
		return n;
	}, 0)`
	before := 0.0
	await(t, "the map is drawn", func() bool {
		before, _ = browser.eval(created.Context, vermillion).(float64)
		return before > 0
	})
	for i := range 300 {
		if s, _ := m.State(i); s == heatmap.Up {
			m.Set(i, heatmap.Down, time.Now())
			break
		}
	}
	await(t, "a change is drawn", func() bool {
		now, _ := browser.eval(created.Context, vermillion).(float64)
		return now > before
	})
}

// sharpMap is true when the map has a pixel for each of the screen's, from edge to edge.
const sharpMap = `(() => {
	const bands = [...document.querySelectorAll(".map canvas")], room = document.querySelector(".map").getBoundingClientRect();
	const whole = (a, b) => Math.abs(a * devicePixelRatio - b) < 0.1;
	let top = room.top;
	for (const band of bands) {
		const at = band.getBoundingClientRect();
		if (!whole(at.width, band.width) || !whole(at.height, band.height) || !whole(at.top - top, 0)) return false;
		top = at.bottom;
	}
	return bands.length > 1 && whole(room.bottom - top, 0) && Math.abs(room.width * devicePixelRatio - bands[0].width) < 1;
})()`

// pixelsOfMap are the bytes of the map's bands.
const pixelsOfMap = `[...document.querySelectorAll(".map canvas")].map((c) => c.getContext("2d").getImageData(0, 0, c.width, c.height).data)`

// samePixels compares them with those that are kept. The edges of letters and crosses come out a
// little differently with others beside them, some of them visibly; a band that is moved wrongly
// has thousands of such bytes.
const samePixels = pixelsOfMap + `.every((band, i) => band.reduce((n, byte, at) => n + (Math.abs(byte - dragged[i][at]) < 80 ? 0 : 1), 0) < 200)`

// TestMapOnOtherScreens: the map is as sharp as the screen, also after the window has come to
// another screen or has another size; and when it is dragged, what was drawn before and what is
// drawn anew fit together.
func TestMapOnOtherScreens(t *testing.T) {
	ctx := newTab(t, viewsBrowser(t), onScreen).ctx
	_, url := serveFleet(t, 20_000)
	open(t, ctx, url+"/#/?cell=12&near=10000", 1280, 900, "light")
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	scheme := func(name string) {
		t.Helper()
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
	}
	for _, screen := range []struct {
		width   int64
		density float64
	}{{1280, 1}, {1200, 2}, {900, 3}, {1000, 1.5}, {1101, 1.25}} {
		do(chromedp.EmulateViewport(screen.width, 900, chromedp.EmulateScale(screen.density)))
		becomes(t, ctx, fmt.Sprintf(`devicePixelRatio === %v && document.querySelector(".map.magnified") !== null && `, screen.density)+sharpMap)
		becomes(t, ctx, `(document.querySelector(".map-overlay").scrollIntoView({ block: "start" }), true)`)
		for _, by := range [][2]float64{{-97, -201}, {61, 33}, {0, 199}, {-150, 0}} {
			const x, y = 400, 400
			do(chromedp.DragAndDropXY(x, y, x+by[0], y+by[1]))
			becomes(t, ctx, `(window.dragged = `+pixelsOfMap+`).length > 1`)
			scheme("dark") // everything is drawn anew, twice
			becomes(t, ctx, `!`+samePixels)
			scheme("light")
			becomes(t, ctx, samePixels)
		}
	}
}

// serveFleet serves the page of so many servers, of which one in a hundred is down.
func serveFleet(t *testing.T, n int) (m *heatmap.Map, url string) {
	t.Helper()
	demo, err := fleet.Demo(n, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	m = heatmap.NewMap(demo.Topology)
	for i := range n {
		m.Set(i, demo.State(i), time.Now())
	}
	events, state := emptyStore(t)
	d, err := dashboards.New(dashboards.Options{Reader: detector.Reader(events, state), Servers: m})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(d.Run)
	server := httptest.NewServer(d)
	t.Cleanup(func() { _ = stop(); server.Close() }) // streams end first
	return m, server.URL
}
