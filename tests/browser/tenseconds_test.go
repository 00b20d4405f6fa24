package browser

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/simulate"
)

// glance is a scenario, and what the first screen of a phone says of it.
type glance struct {
	Name     string         `yaml:"name"`
	Scenario map[string]any `yaml:"scenario"`
	Ended    time.Duration  `yaml:"ended"` // how long ago the scenario ended
	Says     []string       `yaml:"says"`  // regular expressions
}

// visibleText is the text that the first screen shows, a line for each piece of it.
const visibleText = `(() => {
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const blocks = new Map();
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		const range = document.createRange();
		range.selectNodeContents(node);
		const box = range.getBoundingClientRect();
		if (box.width <= 1 || box.height <= 1 || box.bottom > innerHeight) continue;
		let block = node.parentElement;
		while (getComputedStyle(block).display === "inline") block = block.parentElement;
		blocks.set(block, (blocks.get(block) ?? "") + node.data);
	}
	return [...blocks.values()].join("\n");
})()`

// TestTenSeconds: what an operator reads first on a phone names the cause, who is hit, since when,
// and whether it gets better. With SCREENSHOTS it writes a picture of each page into
// that directory.
func TestTenSeconds(t *testing.T) {
	ca, err := devca.New("Ten seconds test authority")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := trust(home, ca); err != nil {
		t.Fatal(err)
	}
	ctx, stop, err := launch(t.Context(), home, chromedp.Env("HOME="+home, "TZ=UTC"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	for _, g := range glances(t) {
		t.Run(g.Name, func(t *testing.T) { g.check(t, ctx) })
	}
}

// TestStalePage: when the dashboard is gone, the page says that what it shows is of before.
func TestStalePage(t *testing.T) {
	ca, err := devca.New("Stale page test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
	all := glances(t)
	url, stop := all[0].world(t).serve(t)
	open(t, ctx, url, 390, 844, "light")
	becomes(t, ctx, `document.querySelector(".level")?.innerText === "Calm"`)
	stop()
	becomes(t, ctx, `document.querySelector(".level").innerText === "Stale" && document.body.innerText.includes("Connection to Heliograph lost")`)
	becomes(t, ctx, `document.title.startsWith("Connection lost")`)
}

func glances(t *testing.T) (all []glance) {
	t.Helper()
	text, err := os.ReadFile("testdata/tenseconds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(text, &all, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return all
}

// world simulates the scenario so that it ends when it is to have ended.
func (g *glance) world(t *testing.T) *world {
	t.Helper()
	text, err := yaml.Marshal(g.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	s, err := simulate.Parse(g.Name, text)
	if err != nil {
		t.Fatal(err)
	}
	// What is shown begins at a full minute, as bins do.
	shown := time.Now().Add(-s.Duration.Duration - g.Ended).Truncate(time.Minute)
	s.World.Diurnal = 0 // the day makes no difference
	if s.World.RequestsPerSecond > 15 {
		s.World.RequestsPerSecond = 15
	}
	s.World.Targets = []string{"https://shop.example", "https://api.shop.example"}
	return simulated(t, s, shown.Sub(s.Start.Time))
}

func (g *glance) check(t *testing.T, ctx context.Context) {
	url, _ := g.world(t).serve(t)
	open(t, ctx, url, 390, 844, "light")
	becomes(t, ctx, `document.querySelector(".curve svg") !== null && document.querySelector(".panel-incidents") !== null`)
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](visibleText))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range g.Says {
		if !regexp.MustCompile("(?m)" + want).MatchString(text) {
			t.Errorf("the first screen does not say %q; it says:\n%s", want, text)
		}
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
	if err != nil || wide > 390 {
		t.Errorf("it is %d px wide (%v)", wide, err)
	}
	g.pictures(t, ctx, url)
}

// pictures writes screenshots, if they are wanted.
func (g *glance) pictures(t *testing.T, ctx context.Context, url string) {
	if os.Getenv("SCREENSHOTS") == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1280} {
			open(t, ctx, url, width, 844, scheme)
			becomes(t, ctx, `document.querySelector(".curve svg") !== null`)
			picture(t, ctx, fmt.Sprintf("%s-%d-%s", strings.ReplaceAll(g.Name, " ", "-"), width, scheme))
		}
	}
}

// open shows a page in a window of a size, light or dark.
func open(t *testing.T, ctx context.Context, url string, width, height int64, scheme string) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, media)
		return err
	}), chromedp.Navigate("about:blank"), chromedp.Navigate(url))
	if err != nil {
		t.Fatal(err)
	}
}

// becomes waits until an expression is true of the page, over navigations, during which nothing can
// be asked.
func becomes(t *testing.T, ctx context.Context, js string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js, chromedp.EvalAwaitPromise))
		if err == nil && is {
			return
		}
		if time.Now().After(deadline) {
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
			t.Fatalf("never true of the page: %s (%v); it says: %s", js, err, text)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// press clicks an element by script. The page moves while it is fed, so that a pointer may miss
// what it aimed at.
func press(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	becomes(t, ctx, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e?.click(); return e !== null; })()`, selector))
}
