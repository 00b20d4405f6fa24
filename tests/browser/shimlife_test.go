package browser

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestShimLife holds when the shim loads its worker, what it tells it, and that nothing of it ever
// gets into the page.
func TestShimLife(t *testing.T) {
	ctx := shimBrowser(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, context.Context, *shimSite)
	}{
		{"nothing before consent", shimBeforeConsent},
		{"nothing before need", shimBeforeNeed},
		{"withdrawn", shimWithdrawn},
		{"withdrawn and given again", shimAgain},
		{"levels", shimLevels},
		{"privacy control", shimPrivacyControl},
		{"application errors", shimErrors},
		{"own observations", shimObserve},
		{"relative URLs", shimRelative},
		{"page that is left", shimLeft},
		{"stop", shimStop},
		{"one agent", shimOnce},
		{"refused by policy", shimCSP},
		{"worker out of reach", shimRetry},
		{"module refused by policy", shimModuleCSP},
		{"module out of reach", shimModuleMissing},
		{"module damaged", shimModuleDamaged},
		{"parcels", shimParcels},
		{"burst", shimBurst},
		{"browser without anything", shimBareBrowser},
		{"faults of the application", shimFaults},
		{"frame", shimFrame},
	} {
		t.Run(part.name, func(t *testing.T) {
			site := newShimSite(t)
			site.open(t, ctx)
			part.run(t, ctx, site)
		})
	}
}

func shimBeforeConsent(t *testing.T, ctx context.Context, site *shimSite) {
	got := inPage[[]any](t, ctx, `const native = fetch; const h = start({app: "shop", policy: "/policy", successFraction: 1});
await fetch("/missing/x"); setTimeout(() => { throw new Error("before") }); await new Promise(r => setTimeout(r, 50)); await h.flush();
return [fetch === native, await h.sent(), (await h.stats()).state, (await h.stats()).observed, (await indexedDB.databases()).length]`)
	want(t, got, `[true,[],"off",0,0]`)
	if n := site.workers.Load(); n != 0 {
		t.Errorf("%d workers before consent", n)
	}
	// What began before consent is not told, even if it ends after.
	got = inPage[[]any](t, ctx, startShim("")+`h.setConsent("off"); const early = fetch("/missing/early").catch(String); h.setConsent("diagnostics");
await early; await fetch("/missing/late"); await h.flush(); return (await h.sent()).filter(m => m.t === "observe").map(m => m.list.map(r => r[9]))`)
	want(t, got, `[["`+site.URL+`/missing/late"]]`)
}

func shimBeforeNeed(t *testing.T, ctx context.Context, site *shimSite) {
	states := inPage[[]string](t, ctx, `window.states = []; window.h = start({app: "shop", policy: "/policy", consent: "counts", successFraction: 0,
onstatus: s => states.push(s.state)}); for (let i = 0; i < 20; i++) await (await fetch("/text/" + i)).text(); await h.flush();
await new Promise(r => setTimeout(r, 300)); return states`)
	if n := site.workers.Load(); n != 0 || !slices.Equal(states, []string{"waiting"}) {
		t.Errorf("%d workers while all is well, states %q", n, states)
	}
	heard := inPage[[]message](t, ctx, `await fetch("/missing/"); await h.flush(); return h.sent()`)
	if n := site.workers.Load(); n != 1 {
		t.Errorf("%d workers after a failure", n)
	}
	kinds := make([]string, len(heard))
	for i, m := range heard {
		kinds[i] = m.T
	}
	if !slices.Equal(kinds, []string{"init", "consent", "counts", "observe"}) {
		t.Fatalf("the worker was told %q", kinds)
	}
	init, counts := heard[0], heard[2]
	if init.App != "shop" || init.Policy != site.URL+"/policy" || !strings.HasPrefix(init.WASM, site.URL+"/agent/heliograph.wasm?") || init.Consent != 1 {
		t.Errorf("init %+v", init)
	}
	successes := 0.0 // each row has those of one duration
	for _, row := range counts.List {
		if n, ok := row[7].(float64); ok && row[3] == "http/1.1" {
			successes += n
		}
	}
	if counts.PPM != 0 || successes != 20 {
		t.Errorf("successes before the failure: %+v", counts)
	}
	if states := inPage[[]string](t, ctx, `return states`); !slices.Equal(states, []string{"waiting", "loading", "running"}) {
		t.Errorf("states %q", states)
	}
}

func shimWithdrawn(t *testing.T, ctx context.Context, site *shimSite) {
	got := inPage[[]any](t, ctx, `const native = fetch; `+startShim("")+`await fetch("/missing/1"); await h.flush(); const before = (await h.sent()).length;
h.setConsent("off"); await fetch("/missing/2"); await h.flush(); return [fetch === native, (await h.sent()).slice(before), (await h.stats()).state]`)
	want(t, got, `[true,[{"level":0,"t":"consent"}],"off"]`)
	// A refusal before the worker is there leaves nothing for it, and nothing to load it for.
	before := site.workers.Load()
	site.open(t, ctx)
	got = inPage[[]any](t, ctx, startShim("")+`const f = fetch("/missing/3"); await f; h.setConsent("off"); await new Promise(r => setTimeout(r, 300)); return [await h.sent()]`)
	want(t, got, `[[]]`)
	if n := site.workers.Load() - before; n > 1 {
		t.Errorf("%d workers", n)
	}
}

// shimAgain: once a worker has deleted everything it is let go; the next consent starts
// from nothing.
func shimAgain(t *testing.T, ctx context.Context, site *shimSite) {
	got := inPage[[]any](t, ctx, `const native = Worker; window.workers = []; window.Worker = class extends native { constructor(...a) { super(...a); workers.push(this) } };
`+startShim("")+`await fetch("/missing/1"); await h.flush(); h.setConsent("off");
for (const consent of [2, 0]) workers[0].onmessage({data: {t: "status", consent, done: consent === 0}}); // as it was asked, and when all is done
const between = await h.sent(); h.setConsent("counts"); await fetch("/missing/2"); await h.flush();
return [between, workers.length, (await h.sent()).map(m => m.t), (await h.stats()).state]`)
	want(t, got, `[[],2,["init","consent","observe"],"running"]`)
	// What another tab's user withdraws is withdrawn here.
	got = inPage[[]any](t, ctx, `for (const consent of [1, 0]) workers[1].onmessage({data: {t: "status", consent}}); await fetch("/missing/3"); return [(await h.stats()).state, (await h.sent()).at(-1)]`)
	want(t, got, `["off",{"level":0,"t":"consent"}]`)
}

func shimLevels(t *testing.T, ctx context.Context, _ *shimSite) {
	heard := inPage[[]message](t, ctx, `const h = start({app: "shop", policy: "/policy", consent: "diagnostics"});
await fetch("/missing/secret"); h.captureError(new Error("secret")); h.setConsent("counts");
await fetch("/missing/secret"); h.captureError(new TypeError("secret")); await h.flush(); return h.sent()`)
	text, err := json.Marshal(heard)
	if err != nil || strings.Contains(string(text), "secret") {
		t.Errorf("at level counts the worker is told details: %s", text)
	}
	if last := heard[len(heard)-1]; last.T != "error" || last.Type != "TypeError" {
		t.Errorf("the last thing told is %+v", last)
	}
}

func shimPrivacyControl(t *testing.T, ctx context.Context, _ *shimSite) {
	heard := inPage[[]message](t, ctx, `Object.defineProperty(navigator, "globalPrivacyControl", {value: true});
const h = start({app: "shop", policy: "/policy", consent: "diagnostics"}); await fetch("/missing/secret"); await h.flush(); return h.sent()`)
	if heard[0].Consent != 1 || heard[1].Level != 1 {
		t.Errorf("with Global Privacy Control the levels are %v and %v", heard[0].Consent, heard[1].Level)
	}
}

func shimErrors(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[struct {
		Heard []message
		Page  []string
	}](t, ctx, startShim("")+`const page = []; addEventListener("error", e => page.push("error " + e.error?.message)); addEventListener("unhandledrejection", e => page.push("rejection " + e.reason));
const s = document.createElement("script"); s.textContent = "function buy() { null.x } setTimeout(buy)"; document.body.append(s);
Promise.reject(new RangeError("too far")); Promise.reject("a string"); h.captureError({odd: 1}); h.captureError(undefined);
await new Promise(r => setTimeout(r, 100)); await h.flush(); return {heard: (await h.sent()).filter(m => m.t === "error"), page: page.sort()}`)
	var types []string
	for _, m := range got.Heard {
		types = append(types, m.Type)
		if m.Type == "TypeError" && (!strings.Contains(m.Stack, "buy") || !strings.Contains(m.Message, "null")) {
			t.Errorf("%+v", m)
		}
	}
	slices.Sort(types)
	if !slices.Equal(types, []string{"RangeError", "TypeError", "object", "string", "undefined"}) {
		t.Errorf("errors of types %q", types)
	}
	if len(got.Page) != 3 || !strings.HasPrefix(got.Page[0], "error Cannot read") {
		t.Errorf("the page's own handlers heard %q", got.Page)
	}
}

func shimObserve(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, startShim("")+`await new Promise(r => setTimeout(r, 50)); h.observe({url: "wss://live.example/feed?x=secret", outcome: "network.timed_out", method: "CONNECT", elapsed: 20});
h.observe({url: "https://shop.example/", outcome: "http.error", status: 500}); h.observe({url: "ftp://x/", outcome: "ok"}); h.observe({url: "nonsense", outcome: "ok"});
await h.flush(); return (await h.sent()).filter(m => m.t === "observe")[0].list.map((r, i) => [...r.slice(0, 6), i > 0 || r[7] >= 20, r[8], r[9], Math.abs(Date.now() - r[6]) < 60000])`)
	want(t, got, `[["wss","live.example","network.timed_out","",0,0,true,"CONNECT","wss://live.example/feed",true],["https","shop.example","http.error","",500,0,true,"","https://shop.example/",true]]`)
}

// A URL is told relative to what the page's address was when the request began.
func shimRelative(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, startShim("")+`const there = location.href; history.replaceState(0, "", "/shop/"); const ended = fetch("../reset/?secret=1").catch(() => {});
history.pushState(0, "", "/shop/of/lamps/"); await ended; history.replaceState(0, "", there); return urls.map(u => u.slice(location.origin.length))`)
	want(t, got, `["/reset/"]`)
}

func shimStop(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, `const functions = () => [fetch, XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.send, Response.prototype.text, Response.prototype.json];
const before = functions(); `+startShim("")+`const during = functions(); h.stop(); const after = functions();
start({app: "shop", policy: "/policy", consent: "counts"}); const other = fetch, theirs = (...a) => other(...a); window.fetch = theirs; const again = start({}); again.stop();
return [before.every((f, i) => f !== during[i]), before.every((f, i) => f === after[i]), fetch === theirs, (await fetch("/text/")).status, (await again.stats()).observed]`)
	want(t, got, `[true,true,true,200,0]`)
}

func shimOnce(t *testing.T, ctx context.Context, _ *shimSite) {
	// by URL, because the import is a request, too, told a second later
	got := inPage[[]any](t, ctx, startShim("")+`const copy = await import("/agent/heliograph.js?copy"); const second = copy.start({app: "other", policy: "/policy", consent: "off"});
await fetch("/missing/"); await h.flush(); return [second === h, urls.filter(u => u.endsWith("/missing/")).length]`)
	want(t, got, `[true,1]`)
}

// shimCSP: a page whose policy refuses the worker gets one warning, which says what to add,
// and no error.
func shimCSP(t *testing.T, ctx context.Context, site *shimSite) {
	site.policy.Store("default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; worker-src 'none'")
	site.open(t, ctx)
	got := inPage[[]any](t, ctx, `window.said = []; for (const f of ["log", "warn", "error", "info"]) console[f] = (...a) => said.push([f, ...a]);
window.errors = 0; addEventListener("error", () => errors++); addEventListener("unhandledrejection", () => errors++);
const native = fetch; `+startShim("")+`for (let i = 0; i < 5; i++) await fetch("/missing/"); await h.flush(); await new Promise(r => setTimeout(r, 200));
const s = await h.stats(); return [errors, said.length, said[0]?.[0], said.join().includes("worker-src 'self'"), s.state, s.reason, fetch === native]`)
	want(t, got, `[0,1,"warn",true,"blocked","csp",true]`)
	if n := site.workers.Load(); n != 0 {
		t.Errorf("%d workers", n)
	}
}

// shimRetry: what happens while the worker cannot be loaded is kept, within bounds, and told
// once it can.
func shimRetry(t *testing.T, ctx context.Context, site *shimSite) {
	site.refuse.Store(true)
	got := inPage[[]any](t, ctx, `window.errors = 0; addEventListener("error", () => errors++); addEventListener("unhandledrejection", () => errors++);
`+startShim("")+`for (let i = 0; i < 600; i++) h.observe({url: "https://shop.example/" + i, outcome: "network.failed"});
let s; do { await new Promise(r => setTimeout(r, 20)); s = await h.stats(); } while (!s.reason); return [errors, s.state, s.reason, s.observed, s.dropped]`)
	want(t, got, `[0,"loading","worker",600,88]`)
	tries := site.workers.Load()
	if tries != 1 {
		t.Errorf("%d tries at once: there must be pauses between them", tries)
	}
	site.refuse.Store(false)
	heard := inPage[[]message](t, ctx, `dispatchEvent(new Event("online")); await h.flush(); return h.sent()`)
	told := 0
	for _, m := range heard {
		told += len(m.List)
		if m.T == "observe" && m.List[0][5] != 2.0 {
			t.Errorf("the network has changed, but the flags are %v", m.List[0][5])
		}
		if m.T == "lost" && m.Count != 88 {
			t.Errorf("lost %v", m.Count)
		}
	}
	if told != 512 {
		t.Errorf("told %d of 600 failures", told)
	}
}

// failsWithModule makes a request fail in a page with the real worker's script, and returns the
// state, its reason, the warnings, and errors that the page saw.
func failsWithModule(t *testing.T, ctx context.Context, site *shimSite) []any {
	t.Helper()
	site.worker.Store(true)
	return inPage[[]any](t, ctx, `window.errors = 0; addEventListener("error", () => errors++); addEventListener("unhandledrejection", () => errors++);
window.said = []; for (const f of ["log", "warn", "error", "info"]) console[f] = (...a) => said.push(a.join(" "));
`+startShim("")+`await fetch("/missing/"); let s; do { await new Promise(r => setTimeout(r, 20)); s = await h.stats(); } while (!s.reason);
return [s.state, s.reason, said, errors, s.text]`)
}

func shimModuleCSP(t *testing.T, ctx context.Context, site *shimSite) {
	site.module.Store("\x00asm\x01\x00\x00\x00")
	for policy, hint := range map[string]string{
		"default-src 'self'": "'wasm-unsafe-eval'",
		"default-src 'self' 'wasm-unsafe-eval'; connect-src 'none'": "connect-src",
	} {
		site.workerPolicy.Store(policy)
		site.open(t, ctx)
		got := failsWithModule(t, ctx, site)
		want(t, got[:2], `["blocked","csp"]`)
		if said, _ := got[2].([]any); len(said) != 1 || !strings.Contains(said[0].(string), hint) || got[3] != 0.0 {
			t.Errorf("under %s: said %q, errors %v", policy, got[2], got[3])
		}
	}
}

func shimModuleMissing(t *testing.T, ctx context.Context, site *shimSite) {
	got := failsWithModule(t, ctx, site)
	want(t, got[:4], `["loading","wasm",[],0]`)
	if text, _ := got[4].(string); !strings.Contains(text, "503") {
		t.Errorf("text %q", text)
	}
}

func shimModuleDamaged(t *testing.T, ctx context.Context, site *shimSite) {
	site.module.Store("<!doctype html>")
	got := failsWithModule(t, ctx, site)
	want(t, got[:2], `["blocked","wasm"]`)
	if said, _ := got[2].([]any); len(said) != 1 || got[3] != 0.0 {
		t.Errorf("said %q, errors %v", got[2], got[3])
	}
}

// shimLeft: what seems to fail because the user leaves the page was abandoned; what failed by
// itself stays what it is.
func shimLeft(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, startShim("")+`const slow = fetch("/broken/").then(r => { dispatchEvent(new Event("beforeunload")); return r.text() }).catch(String);
await slow; dispatchEvent(new Event("pagehide")); await new Promise(r => setTimeout(r, 5)); await fetch("/reset/").catch(String); await h.flush();
return (await h.sent()).filter(m => m.t === "observe").flatMap(m => m.list.map(r => r[2]))`)
	want(t, got, `["abandoned","network.failed"]`)
}

// shimParcels: what has not arrived when the page goes is sent by the page itself, newest that
// fit first.
func shimParcels(t *testing.T, ctx context.Context, site *shimSite) {
	var mu sync.Mutex
	var bodies []string
	site.Config.Handler.(*http.ServeMux).HandleFunc("POST /collector", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, r.Header.Get("Content-Type")+" "+r.Header.Get("Referer")+" "+string(b[:min(len(b), 5)]))
		w.WriteHeader(http.StatusAccepted)
	})
	inPage[any](t, ctx, `const native = Worker; window.Worker = class extends native { constructor(...a) { super(...a); window.worker = this } };
`+startShim("")+`await fetch("/missing/"); await h.flush();
const parcel = text => ({url: "/collector", method: "POST", referrerPolicy: "no-referrer", headers: {"Content-Type": "application/vnd.heliograph.segment"}, body: new TextEncoder().encode(text).buffer});
worker.onmessage({data: {t: "parcels", list: [parcel("first"), parcel("x".repeat(40 << 10)), parcel("y".repeat(20 << 10))]}})`)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for {
		mu.Lock()
		got := slices.Clone(bodies)
		mu.Unlock()
		slices.Sort(got)
		if slices.Equal(got, []string{"application/vnd.heliograph.segment  first", "application/vnd.heliograph.segment  xxxxx"}) {
			return
		}
		if time.Now().After(deadline) || len(got) > 2 {
			t.Fatalf("the collector got %q", got)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// shimBurst: a thousand failures at once make no long task, and each of them is told.
func shimBurst(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[struct {
		Told, Dropped int
		Spent         float64
	}](t, ctx, startShim("")+`h.observe({url: "https://shop.example/", outcome: "network.failed"}); await h.flush();
const begin = performance.now(); for (let i = 0; i < 1000; i++) h.observe({url: "https://shop.example/api/" + i, outcome: "network.failed"}); const spent = performance.now() - begin;
await h.flush(); const told = (await h.sent()).reduce((n, m) => n + (m.t === "observe" ? m.list.length : 0), 0); return {told, spent, dropped: (await h.stats()).dropped}`)
	if got.Told != 1001 || got.Dropped != 0 {
		t.Errorf("told %d of 1001, dropped %d", got.Told, got.Dropped)
	}
	t.Logf("%.1f µs of the main thread per failure", got.Spent) // 1000 of them, in milliseconds
}

func shimBareBrowser(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, `window.errors = 0; addEventListener("error", () => errors++); addEventListener("unhandledrejection", () => errors++);
for (const name of ["Worker", "PerformanceObserver", "indexedDB", "requestIdleCallback", "XMLHttpRequest", "crypto", "WebAssembly"]) Object.defineProperty(window, name, {value: undefined});
Object.defineProperty(navigator, "connection", {value: undefined}); console.warn = () => {};
`+startShim("")+`await fetch("/missing/"); h.captureError(new Error("x")); await h.flush(); await new Promise(r => setTimeout(r, 50));
return [errors, await h.sent(), (await h.stats()).state, (await h.stats()).reason]`)
	want(t, got, `[0,[],"blocked","worker"]`)
}

func shimFaults(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, `window.errors = 0; addEventListener("error", () => errors++); addEventListener("unhandledrejection", () => errors++);
const bad = start(); bad.setConsent("counts"); bad.observe(); bad.captureError(); const none = [await bad.flush(), await bad.sent(), (await bad.stats()).state]; bad.stop();
const h = start({app: "shop", policy: "/policy", consent: "diagnostics", ignore() { throw new Error("ignore") }, onstatus() { throw new Error("status") }, successFraction: "x"});
const status = (await fetch("/missing/")).status; h.observe(); h.observe({url: Symbol()}); h.observe({url: "https://x.example/", outcome: Symbol()}); h.setConsent("everything");
h.captureError({get message() { throw new Error("getter") }}); await h.flush(); return [errors, none, status]`)
	want(t, got, `[0,[null,[],"blocked"],404]`)
}

func shimFrame(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, `const f = document.createElement("iframe"); f.src = "/"; document.body.append(f); await new Promise(r => f.onload = r);
while (!f.contentWindow.start) await new Promise(r => setTimeout(r, 10));
const inner = f.contentWindow.start({app: "shop", policy: "/policy", consent: "counts"}); await f.contentWindow.fetch("/missing/"); await fetch("/missing/");
await inner.flush(); const n = (await inner.stats()).observed; f.remove(); await new Promise(r => setTimeout(r, 50)); return [n]`)
	want(t, got, `[1]`)
}

func want(t *testing.T, got any, text string) {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil || string(b) != text {
		t.Errorf("got  %s\nwant %s", b, text)
	}
}
