package browser

import (
	"fmt"
	neturl "net/url"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// TestExplore: what is asked is in the page's address, which alone shows the answer; values and
// controls lead to other addresses.
func TestExplore(t *testing.T) {
	var url string
	for _, g := range glances(t) {
		if g.Name == "server" {
			w := g.world(t)
			w.samples = exploreSamples()
			o := w.stored(t)
			o.TraceURL = "https://traces.example/{trace_id}"
			url, _ = o.serve(t, "127.0.0.1:0")
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
	// a value leads to what is only of it; its filter can be taken away
	press(t, ctx, `.explore td a[href*="asn="]`)
	press(t, ctx, `.chosen`)
	becomes(t, ctx, `!location.hash.includes("asn=") && document.querySelector(".chosen") === null`)
	press(t, ctx, `.choice a[href*="show=samples"]`)
	becomes(t, ctx, `document.querySelector(".explore a[href='https://traces.example/0102000000000000000000000000000f']")?.innerText === "trace 01020000"`)
	picture(t, ctx, "explore-samples-1280-dark")
	press(t, ctx, `.choice a[href*="show=errors"]`)
	says("CartError")
	says("1.5.0")
	picture(t, ctx, "explore-errors-1280-dark")
	// a cause leads to its samples, and words narrow them
	press(t, ctx, `.explore th a[href*="fingerprint"]`)
	says("no cart")
	open(t, ctx, url+"/#/explore?show=samples&q="+neturl.QueryEscape(`version:1.5.1 "no cart"`), 390, 844, "light")
	becomes(t, ctx, `document.querySelectorAll(".explore tbody tr").length === 1 && document.querySelector("input[type=search]").value.includes("no cart")`)
	becomes(t, ctx, `document.documentElement.scrollWidth <= 390`)
	open(t, ctx, url+"/#/explore?show=samples&q=%22open", 390, 844, "light")
	says("must have a second quotation mark")
	// the time goes with the reader to another view
	open(t, ctx, url+"/#/explore?since=6h&until=2026-11-30T12:00:00Z", 390, 844, "light")
	press(t, ctx, `.views a[href^="#/reach"]`)
	becomes(t, ctx, `location.hash.includes("since=6h") && location.hash.includes("until=2026-11-30T12")`)
	becomes(t, ctx, `document.documentElement.scrollWidth <= 390`)
}

// exploreSamples are a failed request with a trace, and errors with one cause in two releases.
func exploreSamples() []model.Sample {
	all := []model.Sample{{At: time.Now().Add(-time.Minute), App: "shop", Version: "1.5.0", OS: "linux", Target: "https://shop.example", URL: "https://shop.example/cart",
		Method: "GET", Outcome: report.TCPReset, Server: "192.0.2.7:443", Elapsed: time.Second, TraceID: [16]byte{1, 2, 15: 15}, ASN: 64501, Country: "XA"}}
	for n, version := range []string{"1.5.0", "1.5.1"} {
		all = append(all, model.Sample{At: time.Now().Add(time.Duration(n-3) * time.Minute), App: "shop", Version: version, OS: "linux", Outcome: "app.panic", ASN: 64501, Country: "XA",
			Error: model.ApplicationError{Fingerprint: [16]byte{7}, Type: "CartError", Message: "no cart", Stack: "cart.go:7", Count: 2}})
	}
	return all
}
