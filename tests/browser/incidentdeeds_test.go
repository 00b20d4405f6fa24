package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/dashboards/status"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// TestIncidentDeeds: on an incident's page an operator sees who was told, mutes it and ends the
// mute, and tells the public in words that are searched for names. All of it is in the store, from
// which the notifier and the status page have it.
func TestIncidentDeeds(t *testing.T) {
	w, id := burning(t)
	o := w.stored(t)
	o.StatusPage = func() string { return "https://status.example" }
	state := o.Journal.(detector.State)
	told := []model.Milestone{{Incident: id, At: time.Now(), Kind: model.MilestoneTold, Receiver: "phone"},
		{Incident: id, At: time.Now(), Kind: model.MilestoneNotTold, Receiver: "team", Reason: "it answers with status 503"}}
	if err := state.AckOutbox(t.Context(), 0, nil, told); err != nil {
		t.Fatal(err)
	}
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
	journal := func() model.Journal {
		t.Helper()
		all, err := state.Journals(t.Context(), []int64{id})
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	page := fmt.Sprintf("%s/#/incidents/%d", url, id)
	open(t, ctx, page, 1280, 900, "light")
	for _, want := range []string{"the detector opened the incident", "phone was told", "team could not be told: it answers with status 503"} {
		says(want)
	}
	// mute
	press(t, ctx, `.mute summary`)
	types(`.mute-form input[autocomplete=name]`, "ada")
	becomes(t, ctx, `document.querySelector(".mute-form button").disabled`) // without a reason
	types(`.mute-form label:nth-of-type(2) input`, "new switches")
	press(t, ctx, `.mute-form button`)
	says("by ada: new switches")
	says("ada muted it until")
	mutes, err := roles.Muted(state, o.Servers)(t.Context(), []int64{id})
	if m := mutes[id]; err != nil || m.Who != "ada" || time.Until(m.Until) < 50*time.Minute || time.Until(m.Until) > time.Hour {
		t.Errorf("the notifier learns %+v, %v", mutes, err)
	}
	picture(t, ctx, "incident-muted-1280-light")
	serious(t, ctx, "a muted incident", "light", source)
	open(t, ctx, url+"/#/incidents", 390, 844, "dark")
	says("muted until")
	open(t, ctx, url+"/#/", 390, 844, "dark")
	says("muted until")
	open(t, ctx, page, 390, 844, "dark")
	says("by ada: new switches")
	fits(t, ctx, "a muted incident", 390)
	picture(t, ctx, "incident-muted-390-dark")
	press(t, ctx, `.unmute`)
	becomes(t, ctx, `document.querySelector(".muted-until") === null && document.querySelector(".mute summary") !== null`)
	if j := journal(); j.MutedUntil().After(time.Now()) {
		t.Errorf("muted until %v", j.MutedUntil())
	}
	// the status page
	public := func() string {
		t.Helper()
		incidents, err := o.Reader.Incidents(t.Context(), time.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		journals := make([]model.Journal, len(incidents))
		for k, i := range incidents {
			if journals[k].Incident = i.ID; i.ID == id {
				journals[k] = journal()
			}
		}
		p := status.New(status.Settings{URL: "https://status.example", Services: []status.Service{{Name: "Shop", Targets: []string{"https://shop.example"}}}}, time.Now(), incidents, journals, false)
		files, err := p.Files()
		if err != nil {
			t.Fatal(err)
		}
		return string(files["index.html"]) + string(files["feed.xml"])
	}
	if text := public(); strings.Contains(text, "incident-") {
		t.Errorf("the public reads of it before it is told:\n%s", text)
	}
	open(t, ctx, page, 1280, 900, "dark")
	says("nothing is told")
	types(`.public-form textarea`, "web-7 is down")
	says("This names web-7.")
	picture(t, ctx, "incident-public-1280-dark")
	becomes(t, ctx, `(() => { const field = document.querySelector(".public-form textarea"); field.value = ""; return field.dispatchEvent(new Event("input")); })()`)
	types(`.public-form textarea`, "Some of you cannot pay.")
	becomes(t, ctx, `document.querySelector(".public-form .names") === null`)
	press(t, ctx, `.public-form button`)
	says("shown as going on")
	says("somebody told the public")
	text := public()
	if !strings.Contains(text, "<span>Some of you cannot pay.</span>") || !strings.Contains(text, "<title>Some of you cannot pay.</title>") || !strings.Contains(text, "going on") {
		t.Errorf("the public reads\n%s", text)
	}
	for _, name := range []string{"web-7", "192.0.2.7", "new switches", "ada"} {
		if strings.Contains(text, name) {
			t.Errorf("the public reads of %s", name)
		}
	}
	types(`.public-form textarea`, "Everybody can pay again.")
	press(t, ctx, `.public-form button[type=button]`)
	says("shown as resolved")
	if text := public(); !strings.Contains(text, "<title>Resolved: Everybody can pay again.</title>") || strings.Contains(text, "going on") {
		t.Errorf("the public reads\n%s", text)
	}
	picture(t, ctx, "incident-told-1280-dark")
	serious(t, ctx, "an incident that was told", "dark", source)
	press(t, ctx, `.public-form button[type=button]`) // take it off
	says("nothing is told")
	if text := public(); strings.Contains(text, "cannot pay") {
		t.Errorf("taken off, and the public reads\n%s", text)
	}
}
