package browser

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe/probetest"
)

// TestFirefox: Firefox ESR runs the same shim and module. Pages and collector are plain HTTP on
// loopback, which browsers trust and policies allow, so that no certificate has to be trusted.
// Without consent nothing happens; with it failures arrive once, also those that a killed
// browser kept.
func TestFirefox(t *testing.T) {
	t.Parallel()
	f, gate, refuse := plainFixture(t)
	profile := filepath.Join(t.TempDir(), "profile")
	browser := startFirefox(t, profile)
	tab := browser.open(f.pageURL("none", ""))
	browser.eval(tab, `begin("off")`)
	browser.eval(tab, "fail(2, %q)", refuse)
	if names := browser.eval(tab, "databases()"); len(names.([]any)) != 0 || len(gate.Requests()) != 0 {
		t.Errorf("without consent: databases %v, asked of the collector: %v", names, gate.Requests())
	}
	browser.eval(tab, `h.setConsent("diagnostics")`)
	browser.eval(tab, "fail(3, %q)", refuse)
	browser.eval(tab, `Promise.all([fetch("/api/status/503"), fetch("/api/slow", { signal: AbortSignal.timeout(50) }).catch(() => {})])`)
	browser.eval(tab, "h.captureError(new TypeError('message-secret'))")
	browser.eval(tab, "h.flush()")
	f.awaitStored(counts{"network.failed": 3, "http.error": 1, "network.timed_out": 1, "app.error": 1})

	gate.Close()
	browser.eval(tab, "fail(4, %q)", refuse)
	browser.eval(tab, "h.flush()")
	await(t, "a segment waits", func() bool {
		n, _ := browser.eval(tab, "h.stats().then((s) => s.agent?.pending)").(float64)
		return n > 0
	})
	for _, word := range secrets {
		if found := browser.eval(tab, "dump().then((d) => d.includes(%q))", word); found != false {
			t.Errorf("%q is in the database", word)
		}
	}
	browser.Kill()

	gate.Open()
	browser = startFirefox(t, profile)
	tab = browser.open(f.pageURL("none", "diagnostics"))
	browser.eval(tab, "fail(1, %q)", refuse)
	browser.eval(tab, "h.flush()")
	f.awaitStored(counts{"network.failed": 8, "http.error": 1, "network.timed_out": 1, "app.error": 1})
}

// plainFixture is a fixture on plain HTTP, its gate, and a URL that refuses.
func plainFixture(t *testing.T) (f *fixture, g *gate, refuse string) {
	t.Helper()
	f = newFixture(t)
	g = newPlainGate(t, f.rig)
	f.origin = f.rig.site.plain
	f.rig.site.setPolicy(f.app, signPolicy(t, f.rig.dir, f.app, g.URL()))
	return f, g, "http://" + probetest.ClosedPort(t) + "/checkout/48151623?card=query-secret"
}

// TestFirefoxPageLife: under a strict content security policy, reports survive what happens to
// pages: a reload, a tab that closes while its upload is under way, two tabs, the back/forward
// cache; each arrives once.
func TestFirefoxPageLife(t *testing.T) {
	t.Parallel()
	f, gate, refuse := plainFixture(t)
	browser := startFirefox(t, filepath.Join(t.TempDir(), "profile"))
	page := f.pageURL("strict", "counts")
	failed := 0
	fail := func(tab string, n int) {
		t.Helper()
		if got := browser.eval(tab, "fail(%d, %q)", n, refuse); got != float64(n) {
			t.Fatalf("%v of %d requests failed", got, n)
		}
		failed += n
	}
	arrive := func() {
		t.Helper()
		f.awaitStored(counts{"network.failed": float64(failed)})
	}

	first := browser.open(page)
	fail(first, 2)
	browser.eval(first, "h.flush()")
	browser.call("browsingContext.reload", map[string]any{"context": first, "wait": "complete"}, nil)
	browser.ready(first)
	fail(first, 1)
	arrive()

	second := browser.open(page)
	release := gate.HoldAnswers()
	defer release()
	posts := gate.Posts()
	fail(second, 3)
	gate.AwaitPosts(posts + 1)
	browser.close(second)
	release()
	fail(first, 1)
	browser.eval(first, "h.flush()")
	arrive()

	gate.Close()
	second = browser.open(page)
	fail(first, 2)
	fail(second, 2)
	browser.eval(first, "h.flush()")
	browser.eval(second, "h.flush()")
	gate.Open()
	browser.eval(first, "h.flush()")
	browser.eval(second, "h.flush()")
	arrive()

	// Firefox keeps no page that holds a lock, which a worker may take at any moment for a look:
	// then it is tried again.
	restored := false
	for attempt := 0; attempt < 5 && !restored; attempt++ {
		fail(second, 1)
		arrive()
		await(t, "nothing is under way", func() bool {
			return browser.eval(second, "navigator.locks.query().then((all) => all.held.length + all.pending.length)") == 0.0 &&
				browser.eval(second, "h.stats().then((s) => s.agent.pending)") == 0.0
		})
		browser.eval(second, `void (window.mark = "as it was", addEventListener("pageshow", (event) => { window.restored = event.persisted; }))`)
		browser.navigate(second, f.origin+"/")
		browser.call("browsingContext.traverseHistory", map[string]any{"context": second, "delta": -1}, nil)
		await(t, "the page is back", func() bool {
			return browser.eval(second, `location.pathname.startsWith("/page/") && document.title`) == "ready"
		})
		restored = fmt.Sprint(browser.eval(second, "[window.mark, window.restored]")) == "[as it was true]"
	}
	if !restored {
		t.Error("not restored from the back/forward cache, five times")
	}
	fail(second, 2)
	arrive()

	if escaped := browser.eval(first, "escaped"); fmt.Sprint(escaped) != "[]" {
		t.Errorf("the page's own handlers saw %v", escaped)
	}
}

// TestFirefoxContentSecurityPolicy: a page whose policy does not let the worker run is told why,
// and not disturbed.
func TestFirefoxContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	f, _, refuse := plainFixture(t)
	browser := startFirefox(t, filepath.Join(t.TempDir(), "profile"))
	for csp, directive := range map[string]string{"nowasm": "wasm-unsafe-eval", "noworker": "worker-src"} {
		tab := browser.open(f.pageURL(csp, "counts"))
		browser.eval(tab, "fail(3, %q)", refuse)
		await(t, "the state is blocked", func() bool { return browser.eval(tab, "h.stats().then((s) => s.state)") == "blocked" })
		if why := fmt.Sprint(browser.eval(tab, "h.stats().then((s) => [s.reason, s.text])")); !strings.HasPrefix(why, "[csp ") || !strings.Contains(why, directive) {
			t.Errorf("%s: blocked for %s", csp, why)
		}
		if escaped := browser.eval(tab, "escaped"); fmt.Sprint(escaped) != "[]" {
			t.Errorf("%s: the page's own handlers saw %v", csp, escaped)
		}
	}
}

// TestFirefoxPrivateWindow: in a private window reports wait, and arrive.
func TestFirefoxPrivateWindow(t *testing.T) {
	t.Parallel()
	f, gate, refuse := plainFixture(t)
	profile := filepath.Join(t.TempDir(), "profile")
	browser := startFirefox(t, profile, `user_pref("browser.privatebrowsing.autostart", true);`)
	tab := browser.open(f.pageURL("strict", "diagnostics"))
	gate.Close()
	browser.eval(tab, "fail(3, %q)", refuse)
	browser.eval(tab, "h.flush()")
	await(t, "a segment waits", func() bool {
		n, _ := browser.eval(tab, "h.stats().then((s) => s.agent?.pending)").(float64)
		return n > 0
	})
	gate.Open()
	browser.eval(tab, "h.flush()")
	f.awaitStored(counts{"network.failed": 3})
	if kept, err := filepath.Glob(filepath.Join(profile, "storage", "default", "http*")); err != nil || len(kept) > 0 {
		t.Errorf("it was no private window: it kept %q, %v", kept, err)
	}
}

// TestFirefoxModulesAndLeaving: Firefox's modules are told as Chromium's are. What it ends because
// the page is left has not failed; what fails after a link that leaves nothing has.
func TestFirefoxModulesAndLeaving(t *testing.T) {
	t.Parallel()
	f, _, refuse := plainFixture(t)
	browser := startFirefox(t, filepath.Join(t.TempDir(), "profile"))
	tab := browser.open(f.pageURL("none", "diagnostics"))
	browser.eval(tab, `import("/nowhere/chunk.js").catch(() => {})`)
	browser.eval(tab, `import(%q).catch(() => {})`, refuse)
	browser.eval(tab, `new Promise((r) => setTimeout(r, 1500)).then(() => h.flush())`)
	f.awaitStored(counts{"http.error": 1, "unknown": 1})

	browser.eval(tab, `void (window.slow = fetch("/api/slow").catch(() => {}), Object.assign(document.createElement("a"), { href: "mailto:shop@shop.example" }).click())`)
	browser.eval(tab, "fail(1, %q)", refuse)
	browser.eval(tab, "h.flush()")
	f.awaitStored(counts{"http.error": 1, "unknown": 1, "network.failed": 1})

	browser.navigate(tab, f.origin+"/")
	tab = browser.open(f.pageURL("none", "diagnostics"))
	browser.eval(tab, "fail(1, %q)", refuse)
	browser.eval(tab, "h.flush()")
	// whatever became of slow, it did not fail
	f.awaitStored(counts{"http.error": 1, "unknown": 1, "network.failed": 2})
}
