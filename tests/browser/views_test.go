package browser

import (
	"context"
	"encoding/json"
	"fmt"
	neturl "net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/tests/source"
)

// pageView is a view of the dashboard that the tests of all views walk through.
type pageView struct {
	name  string
	at    string // what follows "#/" in its address; {incident} is the id of an incident
	whole string // CSS selectors of what is there when everything has come, by commas
}

// pageViews has a line for each view. A new view is a line here.
var pageViews = []pageView{
	{"now", "", ".panel-incidents a[href*='#/incidents/']"},
	{"incidents", "incidents", "main table a[href*='#/incidents/']"},
	{"incident", "incidents/{incident}", ".note-form input"},
	{"explore", "explore?by=server,type&since=1h", ".explore tbody tr"},
	{"samples", "explore?show=samples&since=1h", ".explore tbody tr, input[type=search]"},
	{"errors", "explore?show=errors&since=1h", ".explore tbody tr"},
	{"server", "vantages?server=web-7", ".panel-one-server .evidence li"},
	{"networks", "reach", ".reach-row[data-row='0']"},
	{"world", "reach?show=map", ".world-map .country"},
	{"vantages", "vantages", ".panel-vantages"},
	{"settings", "settings", ".panel-applications tbody tr, .panel-receivers button, .panel-policies dl"},
	{"collected", "settings/collected", ".collected dl"},
}

// widths are those of a phone, a small and a usual screen, and a wall.
var widths = []int64{390, 1280, 1440, 2560}

// address is where the view is shown.
func (v *pageView) address(url string, incident int64) string {
	return url + "/#/" + strings.ReplaceAll(v.at, "{incident}", fmt.Sprint(incident))
}

// shown is an expression that is true when the view is whole.
func (v *pageView) shown() string {
	return fmt.Sprintf(`%q.split(", ").every((s) => document.querySelector(s) !== null)`, v.whole)
}

// burning is a world with an incident, and the incident's id.
func burning(t *testing.T) (w *world, incident int64) {
	t.Helper()
	for _, g := range glances(t) {
		if g.Name == "server" {
			w = g.world(t)
		}
	}
	for id, i := range w.incidents {
		if i.Verdict == model.ServerGroup {
			incident = id
		}
	}
	return w, incident
}

// axe is the source of axe-core, which finds what keeps people out.
func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(source.Path("dashboards/web/node_modules/axe-core/axe.min.js")))
	if err != nil {
		t.Fatalf("%v: run npm ci in dashboards/web, as make page does", err)
	}
	return string(text)
}

// runAxe is a promise of what axe-core finds that is serious or critical, a line for each finding.
const runAxe = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
	.filter((v) => v.impact === "serious" || v.impact === "critical")
	.flatMap((v) => v.nodes.map((n) => v.id + ": " + v.help + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`

// TestViews: on every view axe-core finds nothing serious, light and dark; nothing scrolls sideways
// from a phone to a wall; and everything that takes clicks is reached by the Tab key, visibly. With
// SCREENSHOTS it writes a picture of each view.
func TestViews(t *testing.T) {
	w, incident := burning(t)
	url, _ := w.whole(t).serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	source := axe(t)
	for _, v := range pageViews {
		t.Run(v.name, func(t *testing.T) {
			for i, width := range widths {
				scheme := []string{"light", "dark"}[i%2]
				open(t, ctx, v.address(url, incident), width, 900, scheme)
				becomes(t, ctx, v.shown())
				fits(t, ctx, v.name, width)
				if i < 2 { // the layouts of the others are those of these
					serious(t, ctx, v.name, scheme, source)
				}
				picture(t, ctx, fmt.Sprintf("view-%s-%d-%s", v.name, width, scheme))
				if i == 1 {
					walk(t, ctx, v.name)
				}
			}
		})
	}
}

// TestPrintOut: what is printed of an incident's page has what a post-mortem needs and nothing to
// press, in dark ink on white also for who reads in the dark.
func TestPrintOut(t *testing.T) {
	w, incident := burning(t)
	o := w.whole(t)
	note := model.Note{Incident: incident, At: time.Now(), Kind: model.NoteText, Who: "ada", Text: "the rack is dark; " + strings.Repeat("we looked everywhere. ", 40) + "It was the switch."}
	if _, err := o.Journal.AddNote(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	url, _ := o.serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	open(t, ctx, fmt.Sprintf("%s/#/incidents/%d", url, incident), 720, 900, "dark") // the width of A4
	becomes(t, ctx, `document.body.innerText.includes("It was the switch.")`)
	media := emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, media)
		return err
	})); err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, `[...document.querySelectorAll("button, input, select, textarea, nav")].every((e) => e.getClientRects().length === 0)`)
	becomes(t, ctx, `["Why this verdict", "onset", "Where", "What else changed", "It was the switch."].every((s) => document.body.innerText.includes(s))`)
	becomes(t, ctx, `(() => { const [r, g, b] = getComputedStyle(document.body).color.match(/\d+/g).map(Number); return r + g + b < 200; })()`)
	fits(t, ctx, "an incident in print", 720)
	picture(t, ctx, "incident-print")
}

// whole stores the world with what each view needs to have something to show.
func (w *world) whole(t *testing.T) pageOptions {
	t.Helper()
	w.samples = append(w.samples, exploreSamples()...)
	o := w.stored(t)
	saw := vantagesSaw()
	for i := range saw {
		if w.suffix == "" {
			break
		}
		if i > 0 {
			saw[i].Target.Name += w.suffix
		}
		saw[i].Target.Cluster += w.suffix
		for k := range saw[i].Found {
			saw[i].Found[k].Vantage += w.suffix
		}
	}
	o.Probes, o.VantageCountries = saw, map[string]string{"v1": "DE", "v2": "US"}
	return o
}

func viewsBrowser(t *testing.T) context.Context {
	t.Helper()
	ca, err := devca.New("Views test authority")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := trust(home, ca); err != nil {
		t.Fatal(err)
	}
	ctx, stop, err := launch(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return ctx
}

// fits checks that nothing scrolls sideways.
func fits(t *testing.T, ctx context.Context, view string, width int64) {
	t.Helper()
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[string](widest))
	if err != nil {
		t.Fatal(err)
	}
	if wide != "" {
		t.Errorf("%s: at %d px wide it scrolls sideways, for %s", view, width, wide)
	}
}

// widest names the elements that reach beyond the page, and is empty if it does not scroll.
const widest = `document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")]
	.filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).join("\n") || "the page"`

func serious(t *testing.T, ctx context.Context, view, scheme, source string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](source+"; void 0")); err != nil {
		t.Fatal(err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Errorf("%s, %s: %s", view, scheme, f)
	}
}

// active numbers what takes clicks or keys and is visible, once, and tells of the one in focus: its
// number, -1 if none is, and whether its focus is seen.
const active = `(() => {
	const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
	window.stops ??= [...document.querySelectorAll("a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex='0']")].filter(seen);
	const e = document.activeElement, style = getComputedStyle(e);
	const frame = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none";
	return { total: window.stops.length, at: window.stops.indexOf(e), what: e.outerHTML.slice(0, 160), visible: seen(e) && frame, body: e === document.body };
})()`

// stop is an answer to active.
type stop struct {
	Total   int    `json:"total"`
	At      int    `json:"at"`
	What    string `json:"what"`
	Visible bool   `json:"visible"`
	Body    bool   `json:"body"`
}

// mostStops bounds the walk of a view.
const mostStops = 400

// walk presses Tab until the focus has gone around.
func walk(t *testing.T, ctx context.Context, view string) {
	t.Helper()
	at := func() stop {
		t.Helper()
		raw, err := chromedp.Run(ctx, chromedp.Evaluate[json.RawMessage](active))
		if err != nil {
			t.Fatal(err)
		}
		var s stop
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := at()
	reached := map[int]bool{first.At: true} // what has the focus at first
	for range mostStops {
		if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)); err != nil {
			t.Fatal(err)
		}
		s := at()
		if s.Body || reached[s.At] && s.At >= 0 && len(reached) > 1 {
			break
		}
		if !s.Visible {
			t.Errorf("%s: the focus is not seen on %s", view, s.What)
		}
		reached[s.At] = true
	}
	var missing []int
	for i := range first.Total {
		if !reached[i] {
			missing = append(missing, i)
		}
	}
	for _, i := range missing[:min(len(missing), 5)] {
		what, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`stops[%d].isConnected ? stops[%d].outerHTML.slice(0, 160) : ""`, i, i)))
		if err != nil {
			t.Fatal(err)
		}
		if what != "" { // else it was replaced meanwhile
			t.Errorf("%s: Tab does not reach %s", view, what)
		}
	}
	if len(reached) < 2 {
		t.Errorf("%s: Tab reaches nothing of %d", view, first.Total)
	}
}

// Strings that a hostile client reports: markup, a change of direction, and too long a name.
var hostile = []string{
	`<script>owned = 1</script>`,
	`<img src=x onerror="owned = 1">`,
	`"><svg onload="owned = 1">`,
	"\u202eevil\u2066 \u05d0\u05d1\u05d2",
	strings.Repeat("W", 4<<10),
}

// towering names what a text of others makes higher than a third of a phone's screen, what turns
// what stands beside it, and is empty if nothing does.
const towering = `[...document.querySelectorAll("#app *")].filter((e) => e.getClientRects().length > 0 &&
	[...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && (n.data.length > 500 || /[\u202a-\u202e\u2066-\u2069]/.test(n.data))) &&
	getComputedStyle(e).position !== "absolute" || e.matches("li, td, th, p, h1, h2, h3, button, a") && e.querySelector("ul, ol, table, li, p") === null && e.getBoundingClientRect().height > 320)
	.slice(0, 5).map((e) => e.getBoundingClientRect().height + " px: " + e.outerHTML.slice(0, 160)).join("\n")`

// low checks that nothing towers.
func low(t *testing.T, ctx context.Context, view string, width int64) {
	t.Helper()
	high, err := chromedp.Run(ctx, chromedp.Evaluate[string](towering))
	if err != nil {
		t.Fatal(err)
	}
	if high != "" {
		t.Errorf("%s: at %d px wide it is too high, or turned, for %s", view, width, high)
	}
}

// TestHostileViews: what hostile clients report is text on every view. It runs nothing, makes no
// element, does not turn what stands beside it, takes little room, and makes no view scroll
// sideways. All of it is there for those who ask.
func TestHostileViews(t *testing.T) {
	w, incident := burning(t)
	w.attack()
	url, _ := w.whole(t).serve(t, "127.0.0.1:0")
	ctx := viewsBrowser(t)
	views := append(slices.Clone(pageViews), pageView{"unknown server", "vantages?server=" + neturl.QueryEscape(hostile[2]+hostile[4]), ".panel-one-server .empty"},
		pageView{"filters", "explore?show=samples&protocol=" + hostile[4] + "&server=" + neturl.QueryEscape(hostile[3]), ".chosen"},
		pageView{"explore hostile", "explore?by=app,target,type,server&since=1h", ".explore tbody tr"})
	for _, v := range views {
		t.Run(v.name, func(t *testing.T) {
			for _, width := range widths[:2] {
				open(t, ctx, v.address(url, incident), width, 900, "light")
				becomes(t, ctx, v.shown())
				fits(t, ctx, "hostile "+v.name, width)
				becomes(t, ctx, `window.owned === undefined && document.querySelector("#app img, #app script, #app [onload], #app [onerror]") === null`)
				low(t, ctx, "hostile "+v.name, width)
				picture(t, ctx, fmt.Sprintf("hostile-%s-%d", strings.ReplaceAll(v.name, " ", "-"), width))
			}
		})
	}
	open(t, ctx, views[len(views)-1].address(url, incident), 1280, 900, "light")
	becomes(t, ctx, fmt.Sprintf(`document.body.textContent.includes(%q)`, hostile[0]))
	open(t, ctx, fmt.Sprintf("%s/#/incidents/%d", url, incident), 390, 900, "light")
	becomes(t, ctx, fmt.Sprintf(`document.querySelector(".panel-evidence .all-of-it") !== null && !document.body.textContent.includes(%q)`, hostile[4]))
	press(t, ctx, `.panel-evidence .all-of-it`)
	becomes(t, ctx, fmt.Sprintf(`document.querySelector(".panel-evidence").textContent.includes(%q)`, hostile[4]))
	fits(t, ctx, "a long text", 390)
}

// attack puts hostile strings wherever a report, a discovery or a table of networks brings one.
func (w *world) attack() {
	last := w.counts[len(w.counts)-1]
	for n, text := range hostile {
		for client := range 50 {
			c := last
			c.Client, c.Outcome, c.Raw, c.Estimated = uint64(1000+client), "tcp.refused", 3, 3
			c.App, c.Target, c.Server, c.Protocol, c.Country = text, "https://"+text, text, text, text[:2]
			c.ASN = uint32(64500 + n)
			w.counts = append(w.counts, c)
		}
		w.samples = append(w.samples, model.Sample{At: last.End, App: text, Version: text, OS: text, Target: "https://" + text, URL: "https://x/" + text,
			Method: text, Outcome: "tcp.refused", Protocol: text, Server: text},
			model.Sample{At: last.End, App: text, Version: text, OS: text, Outcome: "app.panic",
				Error: model.ApplicationError{Fingerprint: [16]byte{1, byte(n)}, Type: text, Message: text, Stack: text, Count: 1}})
	}
	all := strings.Join(hostile, " ")
	w.suffix = " " + hostile[0] + hostile[1] + hostile[4][:160] // topologies refuse what cannot be printed
	for id, i := range w.incidents {
		i.App, i.Title = all, all
		i.Evidence = append(i.Evidence, model.Signal{Text: all})
		i.Scope.Versions, i.Scope.Systems = append(i.Scope.Versions, hostile...), append(i.Scope.Systems, hostile...)
		i.Scope.Servers, i.Scope.Collectors = append(i.Scope.Servers, hostile...), append(i.Scope.Collectors, hostile...)
		w.incidents[id] = i
	}
}
