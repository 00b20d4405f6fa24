package browser

import (
	"fmt"
	"testing"

	"github.com/heliograph-net/heliograph/internal/devca"
)

// TestExplore: what is asked is in the page's address, which alone shows the answer; values and
// controls lead to other addresses.
func TestExplore(t *testing.T) {
	var url string
	for _, g := range glances(t) {
		if g.Name == "server" {
			url, _ = g.world(t).serve(t)
		}
	}
	ca, err := devca.New("Explore test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
	says := func(want string) {
		t.Helper()
		becomes(t, ctx, fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
	}
	open(t, ctx, url+"/#/explore?by=server,type&since=1h&target=https://shop.example", 390, 844, "light")
	says("192.0.2.7:443")
	becomes(t, ctx, `document.querySelector(".curve svg") !== null && document.documentElement.scrollWidth <= 390`)
	press(t, ctx, `.explore td a[href*="type=tcp.refused"]`)
	becomes(t, ctx, `location.hash.includes("type=tcp.refused") && !document.querySelector(".explore tbody").innerText.includes("ok")`)
	press(t, ctx, `.ask input[type=checkbox]:not(:checked)`)
	becomes(t, ctx, `new URLSearchParams(location.hash.split("?")[1]).get("by").split(",").length === 3`)
	open(t, ctx, url+"/#/explore?type=<script>", 1280, 900, "dark")
	says("This is not answered")
	open(t, ctx, url+"/#/explore?by=asn", 1280, 900, "dark")
	says("Net ")
	picture(t, ctx, "explore-1280-dark")
}
