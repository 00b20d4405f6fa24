package browser

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// askedFor lists what the fixture's pages were asked for that contains part.
func (f *fixture) askedFor(part string) (found []string) {
	for _, line := range f.rig.site.Asked(f.app + ".shop.test") {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

// worker lists what was loaded of worker, module and policy.
func (f *fixture) worker() []string {
	return slices.Concat(f.askedFor("heliograph.worker.js"), f.askedFor("heliograph.wasm"), f.askedFor("/policy/"))
}

// TestConsentOff: without consent, or after it was refused, a page whose requests fail loads
// nothing, stores nothing and asks no collector.
func TestConsentOff(t *testing.T) {
	t.Parallel()
	for _, consent := range []string{"off", "undefined"} {
		t.Run(consent, func(t *testing.T) {
			f := newFixture(t)
			tab := f.open("strict", "")
			js := `"off"`
			if consent == "undefined" {
				js = consent
			}
			tab.do("begin(%s)", js)
			tab.fail(f, 3)
			tab.do(`h.captureError(new Error("caught")); h.observe({url: "https://shop.test/", outcome: "tcp.reset"}); await h.flush()`)
			if state := evaluate[string](tab, "h.stats().then((s) => s.state)"); state != "off" {
				t.Errorf("state %q", state)
			}
			if sent := evaluate[[]any](tab, "h.sent()"); len(sent) != 0 {
				t.Errorf("sent %v", sent)
			}
			if names := evaluate[[]string](tab, "databases()"); len(names) != 0 {
				t.Errorf("databases %q", names)
			}
			tab.close()
			if got := f.worker(); len(got) != 0 {
				t.Errorf("loaded %q", got)
			}
			if got := f.gate.Requests(); len(got) != 0 {
				t.Errorf("the collector was asked: %v", got)
			}
		})
	}
}

// TestNothingLoadedBeforeNeed: with consent, and requests that all work, not a byte of worker or
// module is loaded. The first failure loads them, and it is reported with all that came before.
func TestNothingLoadedBeforeNeed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("strict", "counts")
	tab.do(`for (let i = 0; i < 5; i++) await fetch("/api/ok")`)
	if state := evaluate[string](tab, "h.stats().then((s) => s.state)"); state != "waiting" {
		t.Errorf("state %q, want waiting", state)
	}
	if got, names := f.worker(), evaluate[[]string](tab, "databases()"); len(got)+len(names) != 0 {
		t.Errorf("loaded %q, databases %q", got, names)
	}
	tab.fail(f, 1)
	f.awaitStored(counts{"network.failed": 1, "ok": 5})
	if got := f.worker(); len(got) < 3 {
		t.Errorf("loaded %q, want worker, module and policy", got)
	}
}

// TestOutcomes: what script can tell apart is told apart, and in the totals of the store.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("none", "diagnostics")
	tab.fail(f, 2)
	tab.do(`
	  await fetch("/api/status/404"); await fetch("/api/status/503");
	  await fetch("/api/reset").catch(() => {});
	  const c = new AbortController(); setTimeout(() => c.abort(), 50); await fetch("/api/slow", { signal: c.signal }).catch(() => {});
	  await fetch("/api/slow", { signal: AbortSignal.timeout(50) }).catch(() => {});
	  const xhr = (path, set) => new Promise((done) => { const x = new XMLHttpRequest(); x.onloadend = done; x.open("GET", path); set?.(x); x.send(); });
	  await xhr("/api/status/500"); await xhr("/api/reset"); await xhr("/api/slow", (x) => { x.timeout = 50; }); await xhr("/api/slow", (x) => setTimeout(() => x.abort(), 50));
	  await xhr("/api/ok");
	  await new Promise((done) => { const image = new Image(); image.onerror = done; image.src = %q; document.body.append(image); });
	  setTimeout(() => { throw new RangeError("thrown by the page"); });
	  setTimeout(() => Promise.reject(new TypeError("nobody waits for this")));
	  h.captureError(new Error("caught by the page"));
	  h.observe({ url: "https://api.shop.test/socket", outcome: "tcp.reset" });
	  await new Promise((done) => setTimeout(done, 100));
	  await h.flush();`, f.refuse+"/lamp.png")
	f.awaitStored(counts{"network.failed": 4, "unknown": 1, "http.error": 3, "abandoned": 2, "network.timed_out": 2, "ok": 1, "app.error": 3, "tcp.reset": 1})
	if escaped := evaluate[[]string](tab, "escaped"); len(escaped) != 2 {
		t.Errorf("the page's own handlers saw %q, want the two that it threw", escaped)
	}
	if n := evaluate[int](tab, "h.sent().then((s) => s.length)"); n == 0 {
		t.Error("the user's log of what was sent is empty")
	}
}

// TestSecondCollector: the first collector refuses connections; the second gets everything and
// is told so.
func TestSecondCollector(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "https://gate.shop.test:"+closedPortNumber(t))
	tab := f.open("strict", "counts")
	tab.fail(f, 4)
	f.awaitStored(counts{"network.failed": 4})
	await(t, "the delivery path names the collector that failed", func() bool { return f.deliveriesFailed(f.app+"-1") > 0 })
}

// TestContentSecurityPolicy: a page whose policy does not let the worker run warns once, says what
// is missing, and is not disturbed.
func TestContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	for csp, directive := range map[string]string{"nowasm": "wasm-unsafe-eval", "noworker": "worker-src"} {
		t.Run(csp, func(t *testing.T) {
			f := newFixture(t)
			tab := f.open(csp, "counts")
			tab.fail(f, 3)
			await(t, "the state is blocked", func() bool { return evaluate[string](tab, "h.stats().then((s) => s.state)") == "blocked" })
			tab.fail(f, 3)
			tab.do("await h.flush()")
			var warnings []string
			for _, line := range tab.Console() {
				if strings.HasPrefix(line, "warning:") && strings.Contains(line, "eliograph") {
					warnings = append(warnings, line)
				} else {
					t.Errorf("console: %s", line)
				}
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], directive) {
				t.Errorf("warnings %q, want one that names %s", warnings, directive)
			}
			if escaped := evaluate[[]string](tab, "escaped"); len(escaped) != 0 {
				t.Errorf("the page got errors: %q", escaped)
			}
			if reason := evaluate[string](tab, "h.stats().then((s) => s.reason)"); reason != "csp" {
				t.Errorf("reason %q, want csp", reason)
			}
			if got := f.gate.Posts(); got != 0 {
				t.Errorf("%d uploads", got)
			}
		})
	}
}

// TestGlobalPrivacyControl: with the signal, a user who chose diagnostics is counted and
// nothing more.
func TestGlobalPrivacyControl(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := openTab(t, f.rig.chrom, f.pageURL("strict", "diagnostics"), `Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true })`)
	tab.fail(f, 2)
	f.awaitStored(counts{"network.failed": 2})
	if samples := f.samples(); len(samples) != 0 {
		t.Errorf("samples: %v", samples)
	}
	f2 := newFixture(t)
	tab = f2.open("strict", "diagnostics")
	tab.fail(f2, 2)
	f2.awaitStored(counts{"network.failed": 2})
	await(t, "without the signal a sample comes", func() bool { return len(f2.samples()) > 0 })
}

// TestNothingReadable: what waits in IndexedDB, and what went over the wire, holds nothing of what
// it tells in readable form; uploads carry neither cookies nor referrer nor the page's
// origin's path.
func TestNothingReadable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.gate.Close() // everything stays in the database
	tab := f.open("strict", "diagnostics")
	tab.fail(f, 2)
	tab.do(`setTimeout(() => { throw new Error("message-secret"); }); await new Promise((done) => setTimeout(done, 100)); await h.flush()`)
	await(t, "reports wait in the database", func() bool { return len(evaluate[string](tab, "dump()")) > 1500 })
	if !evaluate[bool](tab, "keep('dump-control').then(dump).then((d) => d.includes('dump-control'))") {
		t.Fatal("what is kept in plain bytes is not found: this test would not see what it looks for")
	}
	for _, word := range append([]string{f.app}, secrets...) {
		js := `dump().then((d) => d.includes(` + "`" + word + "`" + `))`
		if evaluate[bool](tab, "%s", js) {
			t.Errorf("%q is in the database", word)
		}
	}
	f.gate.Open()
	tab.do("await h.flush()")
	await(t, "all is delivered", func() bool { return f.stored()["app.error"] == 1 })
	f.awaitStored(counts{"network.failed": 2, "app.error": 1})
	for _, word := range []string{"query-secret", "48151623", "cookie-secret", "/page/strict"} {
		assertNowhere(t, f.rig.dir, word)
	}
	uploads := f.gate.Requests()
	tab.do(`await fetch(%q, { mode: "no-cors", credentials: "include" })`, f.gate.URL()+"/v1/policy")
	if r := f.gate.Requests()[len(uploads)]; !strings.Contains(r.Header.Get("Cookie"), "cookie-secret") || r.Header.Get("Referer") == "" {
		t.Errorf("a request of the page's own carries %v: this test would not see what it looks for", r.Header)
	}
	for _, r := range uploads {
		for name, values := range r.Header {
			if text := strings.ToLower(name + ": " + strings.Join(values, ",")); name == "Cookie" || name == "Referer" || strings.Contains(text, "secret") || strings.Contains(text, "checkout") {
				t.Errorf("%s %s carries %s", r.Method, r.Path, text)
			}
		}
	}
}

// secrets are words of the tests' requests that must not be readable in a browser's store.
var secrets = []string{"svc.test", "checkout", "48151623", "card", "query-secret", "message-secret", "network.failed"}

// TestConsentWithdrawn: a user who says no on a later page has what waits and the log deleted
// there, and what the store has of single requests.
func TestConsentWithdrawn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("strict", "diagnostics")
	tab.fail(f, 2)
	await(t, "samples come", func() bool { return len(f.samples()) == 2 })
	f.gate.Close()
	tab.fail(f, 3)
	tab.do("await h.flush()")
	tab.close()
	f.gate.Open()
	tab = f.open("strict", "off")
	await(t, "the samples are deleted from the store", func() bool { return len(f.samples()) == 0 })
	await(t, "the database is gone", func() bool { return len(evaluate[[]string](tab, "databases()")) == 0 })
	tab.fail(f, 1)
	f.awaitStored(counts{"network.failed": 2})
}

// TestQuotaExceeded: an origin whose quota is used up still reports from memory, and the page does
// not notice.
func TestQuotaExceeded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("strict", "")
	quota := 1.0 // byte
	if _, err := chromedp.Call(tab.ctx, storage.OverrideQuotaForOrigin, storage.OverrideQuotaForOriginParams{Origin: f.origin, QuotaSize: &quota}); err != nil {
		t.Fatal(err)
	}
	tab.do(`begin("counts")`)
	tab.fail(f, 3)
	f.awaitStored(counts{"network.failed": 3})
	if storage := evaluate[string](tab, "h.stats().then((s) => s.agent.storage)"); storage != "memory" {
		t.Errorf("storage %q, want memory", storage)
	}
	if escaped := evaluate[[]string](tab, "escaped"); len(escaped) != 0 {
		t.Errorf("the page got errors: %q", escaped)
	}
}

// TestWithoutDatabase: where IndexedDB may not be used, as in some private windows, reports are
// kept in memory and delivered.
func TestWithoutDatabase(t *testing.T) {
	t.Parallel()
	for name, prelude := range map[string]string{
		"absent": `Object.defineProperty(self, "indexedDB", { value: undefined });`,
		"getter": `Object.defineProperty(self, "indexedDB", { get() { throw new DOMException("denied", "SecurityError"); } });`,
		"open":   `IDBFactory.prototype.open = () => { throw new DOMException("denied", "SecurityError"); };`,
		"event": `IDBFactory.prototype.open = () => {
		  const request = new EventTarget();
		  request.error = new DOMException("a mutation operation was attempted on a database that did not allow mutations", "InvalidStateError");
		  setTimeout(() => { const event = new Event("error", { cancelable: true }); request.dispatchEvent(event); request.onerror?.(event); });
		  return request;
		};`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.rig.site.setPrelude(f.app+".shop.test", prelude)
			tab := f.open("strict", "counts")
			tab.fail(f, 3)
			f.awaitStored(counts{"network.failed": 3})
			if escaped := evaluate[[]string](tab, "escaped"); len(escaped) != 0 {
				t.Errorf("the page got errors: %q", escaped)
			}
			if storage := evaluate[string](tab, "h.stats().then((s) => s.agent.storage)"); storage != "memory" {
				t.Errorf("storage %q, want memory", storage)
			}
		})
	}
}

// TestIncognito: in a browser context of its own, as private windows are, reports are delivered.
func TestIncognito(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := newPrivateTab(t, f.rig.chrom)
	tab.navigate(f.pageURL("strict", "counts"))
	tab.fail(f, 3)
	f.awaitStored(counts{"network.failed": 3})
}

// TestApplicationsServiceWorker: a page under a service worker of its own reports what its requests
// came to, also those that the worker fails.
func TestApplicationsServiceWorker(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tab := f.open("none", "")
	tab.do(`await navigator.serviceWorker.register("/app-worker.js"); await navigator.serviceWorker.ready;
	  if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));`)
	tab.navigate(f.pageURL("none", "counts"))
	if !evaluate[bool](tab, "navigator.serviceWorker.controller !== null") {
		t.Fatal("the service worker does not control the page")
	}
	tab.do(`await fetch("/from-worker/error").catch(() => {}); await fetch("/from-worker/503"); await fetch("/api/ok")`)
	tab.fail(f, 2)
	f.awaitStored(counts{"network.failed": 3, "http.error": 1, "ok": 1})
}
