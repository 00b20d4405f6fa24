package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mapPage is a page with a map, in a test.
type mapPage struct {
	t   *testing.T
	ctx context.Context
	url string
}

// TestMapViews: of a million servers the page finds one by a part of its name, enlarges cells about
// the pointer, is dragged, lays servers out along a curve, and shows what changed since a moment.
// Each of these views is an address, and nothing of them is wrong for those who cannot see.
func TestMapViews(t *testing.T) {
	p := &mapPage{t, viewsBrowser(t), serveMillion(t)}
	p.open("")
	p.find()
	p.drag()
	p.zoom()
	p.lie()
	p.compare()
	for _, width := range []int64{390, 1280} {
		open(t, p.ctx, p.url+"/#/?order=hilbert&find=77777&part=south/south-3", width, 844, "dark")
		p.whole()
		fits(t, p.ctx, "map", width)
		picture(t, p.ctx, fmt.Sprintf("map-part-%d-dark", width))
	}
	serious(t, p.ctx, "map", "dark", axe(t))
	walk(t, p.ctx, "map")
}

func (p *mapPage) find() {
	p.do(chromedp.Focus(chromedp.CSS(".map-search input")), chromedp.KeyEvent("0765432"))
	p.becomes(`document.querySelector(".hits button")?.innerText.startsWith("s0765432")`)
	picture(p.t, p.ctx, "map-search-1280-light")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.says("s0765432")
	p.becomes(`document.activeElement.classList.contains("map-overlay")`)
	// it is near the edge
	p.becomes(`/^#\/\?cell=14&near=7654\d\d&find=0765432$/.test(location.hash)`)
	p.reopen(evaluateIn[string](p, `location.hash.slice(3)`))
	p.becomes(`document.querySelector(".map.magnified") !== null`)
}

// drag moves the map with the mouse: the server goes with it, and is not entered by that.
func (p *mapPage) drag() {
	x, y := p.middle()
	server := p.point(x, y)
	picture(p.t, p.ctx, "map-enlarged-1280-light")
	p.do(chromedp.DragAndDropXY(x, y, x-140, y-70))
	if got := p.point(x-140, y-70); got != server {
		p.t.Errorf("%s was dragged away, and %s is there", server, got)
	}
	p.becomes(`/cell=14&near=\d+/.test(location.hash) && !location.hash.includes("near=7654")`)
	p.do(chromedp.Focus(chromedp.CSS(".map-overlay")), chromedp.KeyEvent(kb.PageDown), chromedp.KeyEvent(kb.PageDown), chromedp.KeyEvent(kb.PageDown))
	p.becomes(`!location.hash.includes("near=765")`) // the map follows the keys
}

// zoom makes cells larger and smaller with the wheel, about the pointer. Without Ctrl the wheel
// scrolls the page.
func (p *mapPage) zoom() {
	x, y := p.middle()
	wheel := func(by float64, keys int64) {
		p.do(chromedp.MouseEvent(chromedp.MouseWheel, x, y, func(e *input.DispatchMouseEventParams) { e.DeltaX, e.DeltaY, e.Modifiers = 1, by, keys }))
	}
	const ctrl = 2
	server := p.point(x, y)
	wheel(-100, ctrl)
	p.becomes(`/cell=(1[5-9]|2\d)/.test(location.hash)`)
	if got := p.point(x, y); got != server {
		p.t.Errorf("%s is enlarged, and %s is there", server, got)
	}
	for range 12 {
		wheel(100, ctrl)
	}
	p.becomes(`!location.hash.includes("cell=") && document.querySelector(".map.magnified") === null`)
	p.becomes(`document.querySelector("[aria-label='Smaller cells']").disabled`)
	at := evaluateIn[float64](p, `scrollY`)
	p.do(chromedp.MouseEvent(chromedp.MouseWheel, x, y, func(e *input.DispatchMouseEventParams) { e.DeltaX, e.DeltaY = 1, 60 }))
	p.becomes(fmt.Sprintf(`scrollY > %f && !location.hash.includes("cell=")`, at))
}

// lie lays the servers out along a curve and goes to the one beside.
func (p *mapPage) lie() {
	p.open("")
	before := evaluateIn[string](p, pictureOfMap)
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[chromedp.Void](`(() => { const s = document.querySelector(".map-tools select"); s.value = "hilbert"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`)(ctx, t)
		return err
	}))
	p.reopen("order=hilbert")
	p.whole()
	p.becomes(pictureOfMap + fmt.Sprintf(` !== %q`, before))
	picture(p.t, p.ctx, "map-hilbert-1280-light")
	p.do(chromedp.Focus(chromedp.CSS(".map-overlay")), chromedp.KeyEvent("n"))
	p.says("down since")
}

// compare shows what failed from the first frame on, which is 500 servers.
func (p *mapPage) compare() {
	p.open("")
	p.do(chromedp.Focus(chromedp.CSS(`.moment input[type=range]`)), chromedp.KeyEvent(kb.Home))
	p.says("The map as it was at")
	press(p.t, p.ctx, `.moment button[title="What failed and what recovered since"]`)
	p.says("500 failed")
	p.says("0 recovered")
	p.says("9,500 still down")
	p.says("What changed from")
	address := evaluateIn[string](p, `location.hash.slice(3)`)
	if !strings.HasSuffix(address, "&compare=now") {
		p.t.Errorf("the address says %s", address)
	}
	p.reopen(address)
	p.says("500 failed")
	picture(p.t, p.ctx, "map-difference-1280-light")
	press(p.t, p.ctx, ".map-table summary")
	p.becomes(`[...document.querySelectorAll(".map-table thead th")].map((e) => e.innerText).join() === "Data centre,Cluster,Servers,Failed,Recovered,Still down"`)
	press(p.t, p.ctx, ".map-table summary")
	p.do(chromedp.Focus(chromedp.CSS(".map-overlay")), chromedp.KeyEvent("n"))
	p.becomes(`["failed", "still down"].includes(document.querySelector(".panel-servers .readout b").innerText)`)
}

func (p *mapPage) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *mapPage) becomes(js string) {
	p.t.Helper()
	becomes(p.t, p.ctx, js)
}

func (p *mapPage) says(want string) {
	p.t.Helper()
	p.becomes(fmt.Sprintf(`document.querySelector(".panel-servers").innerText.includes(%q)`, want))
}

func (p *mapPage) whole() {
	p.t.Helper()
	p.becomes(`document.querySelector(".map canvas")?.height > 200`)
}

func (p *mapPage) open(query string) {
	p.t.Helper()
	open(p.t, p.ctx, p.url+"/#/?"+query, 1280, 900, "light")
	p.whole()
}

// reopen checks the address and opens it in a fresh page.
func (p *mapPage) reopen(query string) {
	p.t.Helper()
	p.becomes(fmt.Sprintf(`location.hash === %q`, "#/?"+query))
	p.open(query)
}

// middle scrolls to the map and returns its middle in the window.
func (p *mapPage) middle() (x, y float64) {
	p.t.Helper()
	at := evaluateIn[[]float64](p, `(() => { const e = document.querySelector(".map-overlay"); e.scrollIntoView({ block: "start" });
		const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + 200]; })()`)
	return at[0], at[1]
}

// point moves the pointer to a place and returns the name of the server there.
func (p *mapPage) point(x, y float64) string {
	p.t.Helper()
	const name = `document.querySelector(".panel-servers .readout").innerText.match(/› (s\d{7})/)?.[1]`
	p.do(chromedp.MouseEvent(chromedp.MouseMoved, x+1, y), chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	p.becomes(name + ` !== undefined`)
	return evaluateIn[string](p, name)
}

func evaluateIn[T any](p *mapPage, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}
