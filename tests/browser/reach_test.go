package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// TestReachabilityMaps: the grid of origins and time, and the map of the world, show which network
// and country fail, by pointer, by keys and as tables; a cell leads to its requests.
func TestReachabilityMaps(t *testing.T) {
	url, ctx := served(t, "network")
	fits := func(width int64) {
		t.Helper()
		becomes(t, ctx, fmt.Sprintf(`document.documentElement.scrollWidth <= %d`, width))
	}
	open(t, ctx, url+"/#/reach?since=1h", 390, 844, "light")
	becomes(t, ctx, `document.querySelector(".reach-row[data-row='0'] .level4") !== null`)
	fits(390)
	first := `document.querySelector(".reach-row[data-row='0'] .reach-name").innerText`
	if err := chromedp.Do(ctx, chromedp.Focus(chromedp.CSS(".reach-grid")), chromedp.KeyEvent(kb.ArrowRight)); err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, first+` !== "" && document.querySelector(".reach .readout").innerText.startsWith(`+first+`)`)
	press(t, ctx, `.reach details summary`)
	becomes(t, ctx, `document.querySelector(".reach tbody th").innerText === `+first)
	press(t, ctx, `.reach tbody td a`) // its worst minute
	becomes(t, ctx, `location.hash.startsWith("#/explore?") && location.hash.includes("asn=") && document.querySelector(".explore tbody")?.innerText.includes("tcp")`)

	open(t, ctx, url+"/#/reach?show=map", 1280, 900, "dark")
	becomes(t, ctx, `document.querySelectorAll(".world-map .country").length > 150`)
	becomes(t, ctx, `document.querySelector(".world-map .country.level2, .world-map .country.level3, .world-map .country.level4") !== null`)
	becomes(t, ctx, `document.querySelector(".world .readout").innerText.includes("Much more than normally fails in ")`)
	becomes(t, ctx, `(document.querySelector(".world-map .country:not(.level-1)")?.dispatchEvent(new MouseEvent("click", {bubbles: true})), location.hash.includes("country="))`)
	for n, show := range []string{"networks", "countries", "map"} {
		width, scheme := []int64{390, 1280, 390}[n], []string{"dark", "light", "dark"}[n]
		open(t, ctx, url+"/#/reach?show="+show, width, 900, scheme)
		becomes(t, ctx, `document.querySelector(".reach-row[data-row='0'], .world-map") !== null`)
		picture(t, ctx, fmt.Sprintf("reach-%s-%d-%s", show, width, scheme))
		fits(width)
	}
}

// settle gives the countries of the simulation, which are codes for private use, places on the map.
func (w *world) settle() {
	places := []string{"DE", "US", "BR", "IN", "FR", "ZA", "JP", "GB", "AU", "SG", "CA", "ID", "NG", "MX", "PL", "EG", "SE", "TR", "KE", "AR", "MT", "KR", "PH", "PE", "NZ"}
	at := map[string]string{}
	for i := range w.counts {
		c := &w.counts[i].Series.Country
		if at[*c] == "" {
			at[*c] = places[len(at)%len(places)]
		}
		*c = at[*c]
	}
}

// served simulates the scenario of a glance and serves its dashboard to a browser.
func served(t *testing.T, scenario string) (url string, ctx context.Context) {
	t.Helper()
	for _, g := range glances(t) {
		if g.Name == scenario {
			w := g.world(t)
			w.settle()
			url, _ = w.serve(t)
		}
	}
	if url == "" {
		t.Fatalf("there is no scenario %q", scenario)
	}
	ca, err := devca.New("Test authority of " + t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return url, chromium(t, ca)
}
