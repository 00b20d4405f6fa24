package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestFieldsKeepWhatIsTyped: what somebody types stays as it is typed, spaces included, while
// answers come and the clock of the page goes on; it is taken when it is done, and what makes no
// sense stays and is said to be wrong, until the address says something else.
func TestFieldsKeepWhatIsTyped(t *testing.T) {
	w, _ := burning(t)
	url, _ := w.whole(t).serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	for _, f := range []struct{ at, ready, field, typed, address string }{
		{"explore?show=samples", ".explore tbody tr", `input[type=search]`, `version:1.5.1 "no cart" `, "q=version%3A1.5.1+%22no+cart%22"},
		{"explore", ".explore tbody tr", `.ask input[placeholder="an origin"]`, " https://shop.example ", "target=https%3A%2F%2Fshop.example"},
		{"reach", ".reach-row[data-row='0']", `.ask input[placeholder="an origin"]`, "https://shop.example ", "target=https%3A%2F%2Fshop.example"},
		{"reach", ".reach-row[data-row='0']", `.ask .until`, "2026-11-30 12:00", "until=2026-1"},
		{"", ".map-search input", `.map-search input`, "web- 1 ", "find=web-+1"},
	} {
		open(t, ctx, url+"/#/"+f.at, 1280, 900, "light")
		pageHas(t, ctx, fmt.Sprintf(`document.querySelector(%q) !== null`, f.ready))
		if err := chromedp.Do(ctx, chromedp.Focus(chromedp.CSS(f.field)), chromedp.KeyEvent(f.typed)); err != nil {
			t.Fatal(err)
		}
		// over two seconds of the page's clock
		becomes(t, ctx, `(() => { window.ticks ??= [document.querySelector(".stream time").innerText]; const now = document.querySelector(".stream time").innerText;
			if (ticks.at(-1) !== now) ticks.push(now); return ticks.length > 2; })()`)
		becomes(t, ctx, fmt.Sprintf(`document.querySelector(%q).value === %q`, f.field, f.typed))
		if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
			t.Fatal(err)
		}
		becomes(t, ctx, fmt.Sprintf(`location.hash.includes(%q)`, f.address))
	}
	open(t, ctx, url+"/#/reach", 390, 900, "dark")
	pageHas(t, ctx, `document.querySelector(".reach-row[data-row='0']") !== null`)
	if err := chromedp.Do(ctx, chromedp.Focus(chromedp.CSS(".until")), chromedp.KeyEvent("yesterday"), chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, `document.querySelector(".ask [role=alert]")?.innerText.includes("not a time") && document.querySelector(".until").value === "yesterday" &&
		document.querySelector(".until").ariaInvalid === "true" && !location.hash.includes("until")`)
	fits(t, ctx, "a time that is none", 390)
	// A link, or a step back in the history, leads to another time.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`location.hash = "#/reach?until=2026-11-30T12:00:00Z"`)); err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, `document.querySelector(".until").value.startsWith("2026-1") && document.querySelector(".ask [role=alert]") === null`)
}
