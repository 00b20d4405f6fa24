package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector"
)

// TestMuteByScope: an operator mutes a server by its name on the page of incidents. Now, the list
// and the incident say so, the notifier learns it, and the operator ends it.
func TestMuteByScope(t *testing.T) {
	w, id := burning(t)
	o := w.stored(t)
	state := o.Journal.(detector.State)
	url, _ := o.serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	source := axe(t)
	says := func(want string) {
		t.Helper()
		becomes(t, ctx, fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
	}
	types := func(field, text string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(field), text)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, ctx, url+"/#/incidents", 1280, 900, "light")
	press(t, ctx, `.panel-mutes summary`)
	types(`.scope-form input[autocomplete=name]`, "ada")
	types(`.scope-form label:nth-of-type(3) input`, "web-7, web-9*")
	becomes(t, ctx, `document.querySelector(".scope-form button").disabled`) // without a reason
	types(`.scope-form label:nth-of-type(4) input`, "new switches")
	types(`.scope-form label:nth-of-type(5) input`, "tomorrow")
	becomes(t, ctx, `document.querySelector(".scope-form button").disabled && document.querySelector(".scope-form").innerText.includes("not a time")`)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`(() => { const field = document.querySelector(".scope-form label:nth-of-type(5) input"); field.value = "now"; field.dispatchEvent(new Event("input")); })()`)); err != nil {
		t.Fatal(err)
	}
	fits(t, ctx, "the form of mutes", 1280)
	serious(t, ctx, "the form of mutes", "light", source)
	picture(t, ctx, "mutes-form-1280-light")
	becomes(t, ctx, `!document.querySelector(".scope-form button").disabled`)
	press(t, ctx, `.scope-form button`)
	says("servers web-7 and web-9* by ada: new switches")
	muted, err := roles.Muted(state, o.Servers)(t.Context(), []int64{id})
	if m := muted[id]; err != nil || m.Who != "ada" || time.Until(m.Until) < 50*time.Minute || time.Until(m.Until) > time.Hour {
		t.Errorf("the notifier learns %+v, %v", muted, err)
	}
	for _, width := range widths[:2] {
		open(t, ctx, url+"/#/", width, 844, "dark")
		says("servers web-7 and web-9* by ada: new switches")
		becomes(t, ctx, `document.querySelector(".panel-incidents .incident-facts").innerText.includes("muted until")`)
		fits(t, ctx, "muted now", width)
		serious(t, ctx, "muted now", "dark", source)
		picture(t, ctx, fmt.Sprintf("now-muted-%d-dark", width))
		open(t, ctx, fmt.Sprintf("%s/#/incidents/%d", url, id), width, 844, "light")
		says("ada had muted servers web-7 and web-9*: new switches")
		says("A mute by scope covers it")
		fits(t, ctx, "a muted incident", width)
	}
	open(t, ctx, url+"/#/incidents", 390, 844, "dark")
	says("muted until")
	fits(t, ctx, "the list of mutes", 390)
	serious(t, ctx, "the list of mutes", "dark", source)
	picture(t, ctx, "mutes-390-dark")
	press(t, ctx, `.scope-mutes button`)
	becomes(t, ctx, `document.querySelector(".scope-mutes") === null`)
	if muted, err = roles.Muted(state, o.Servers)(t.Context(), []int64{id}); err != nil || muted[id].Until.After(time.Now()) {
		t.Errorf("after its end the notifier learns %+v, %v", muted, err)
	}
}
