package browser

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

// TestShimCases holds what the shim tells in pages that do what pages do: replace classes, restrict
// scripts, begin to leave and stay, make noise.
func TestShimCases(t *testing.T) {
	ctx := shimBrowser(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, context.Context, *shimSite)
	}{
		{"another class of promises", shimOtherPromises},
		{"leaving that is none", shimStays},
		{"noise", shimNoise},
		{"noise that is wanted", shimNoNoise},
		{"errors filtered", shimErrorFilter},
		{"consent as it was saved", shimSavedConsent},
		{"trusted types", shimTrustedTypes},
		{"embedder policy", shimEmbedderPolicy},
		{"traces", shimTraces},
		{"not to be started", shimNotStarted},
	} {
		t.Run(part.name, func(t *testing.T) {
			site := newShimSite(t)
			site.open(t, ctx)
			part.run(t, ctx, site)
		})
	}
}

// observed is what the worker was told of failed requests: outcome and status.
const observed = `(await h.sent()).filter(m => m.t === "observe").flatMap(m => m.list.map(r => r[2] + " " + r[4]))`

func shimOtherPromises(t *testing.T, ctx context.Context, site *shimSite) {
	for _, before := range []string{
		"window.Promise = class extends Promise {}",
		"const native = Promise; window.Promise = function Zone(f) { return new native(f) }; Object.assign(Promise, {resolve: v => native.resolve(v)})",
		// what polyfills and zones return is no promise of the browser's
		"const bare = fetch; window.fetch = (...a) => { const p = bare(...a); return {then: (f, g) => p.then(f, g), catch: g => p.catch(g)} }",
	} {
		site.open(t, ctx)
		got := inPage[[]string](t, ctx, before+"; "+startShim("")+`await fetch("/missing/"); await fetch("/reset/").catch(() => {}); await (await fetch("/broken/")).text().catch(() => {});
await h.flush(); return `+observed)
		want(t, got, `["http.error 404","network.failed 0","network.failed 200"]`)
	}
}

// shimStays: a page that is asked whether it may be left and stays has not been left.
func shimStays(t *testing.T, ctx context.Context, site *shimSite) {
	for _, leave := range []string{
		`Object.assign(document.createElement("a"), {href: "mailto:shop@shop.example"}).click()`,
		`Object.assign(document.createElement("a"), {href: "/text/", download: "list.txt"}).click()`,
		`location.href = "tel:+1234"`,
		`dispatchEvent(new Event("beforeunload", {cancelable: true}))`, // a user who says no
	} {
		site.open(t, ctx)
		got := inPage[[]string](t, ctx, startShim("")+`const slow = fetch("/late/").then(r => r.text()).catch(String); const x = new XMLHttpRequest; x.open("GET", "/late/"); x.send();
await new Promise(r => setTimeout(r, 50)); `+leave+`; await new Promise(r => setTimeout(r, 50));
navigator.sendBeacon("/release/break"); navigator.sendBeacon("/release/break"); await slow; while (x.readyState < 4) await new Promise(r => setTimeout(r, 10));
let told; do { await new Promise(r => setTimeout(r, 50)); told = `+observed+`; } while (told.length < 2); return told.sort()`)
		want(t, got, `["network.failed 0","network.failed 200"]`)
	}
}

// noises are errors that are not the application's, and one that is.
const noises = `const run = text => document.body.append(Object.assign(document.createElement("script"), {textContent: text}));
run("throw new TypeError('of an extension')\n//# sourceURL=chrome-extension://abcdef/content.js"); run("Promise.reject(new RangeError('see https://shop.example/'))\n//# sourceURL=moz-extension://0-1/inject.js");
const frame = document.createElement("div"); document.body.append(frame); const o = new ResizeObserver(() => frame.style.width = frame.offsetWidth + 1 + "px"); o.observe(frame);
await new Promise(r => setTimeout(r, 200)); o.disconnect();
const s = Object.assign(document.createElement("script"), {src: other + "/importer/?child="}); await new Promise(r => { s.onload = s.onerror = r; document.body.append(s) });
dispatchEvent(new ErrorEvent("error", {error: new Error("not thrown"), message: "not thrown"}));
run("throw new SyntaxError('https://shop.example/chrome-extension: own')"); await new Promise(r => setTimeout(r, 50)); await h.flush();
return (await h.sent()).filter(m => m.t === "error").map(m => m.type + ": " + m.message).sort().filter((e, i, all) => e !== all[i - 1])`

func shimNoise(t *testing.T, ctx context.Context, site *shimSite) {
	got := inPage[[]string](t, ctx, "const other = "+strconv.Quote(site.other.URL)+";"+startShim("")+noises)
	want(t, got, `["SyntaxError: https://shop.example/chrome-extension: own"]`)
}

func shimNoNoise(t *testing.T, ctx context.Context, site *shimSite) {
	got := inPage[[]string](t, ctx, "const other = "+strconv.Quote(site.other.URL)+";"+startShim("noise: [/own$/]")+noises)
	want(t, got, `["Error: ResizeObserver loop completed with undelivered notifications.","Error: Script error.","extension RangeError: see https://shop.example/","extension TypeError: of an extension"]`)
}

// shimErrorFilter: the application's own filter sees what the page saw, at any level, and cannot
// break anything.
func shimErrorFilter(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, `const asked = []; window.h = start({app: "shop", policy: "/policy", consent: "counts", successFraction: 0,
ignoreError: e => { asked.push([e.type, e.message, e.stack.includes("pay")]); if (e.type === "RangeError") throw "mine"; return e.message.startsWith("known") }});
setTimeout(function pay() { throw new TypeError("known: pay") }); Promise.reject(new Error("known")); h.captureError(new RangeError("x")); h.captureError("text"); h.captureError(new Error("new"));
await new Promise(r => setTimeout(r, 50)); await h.flush(); return [asked.sort(), (await h.sent()).filter(m => m.t === "error").map(m => [m.type, m.message])]`)
	want(t, got, `[[["Error","known",false],["Error","new",false],["RangeError","x",false],["TypeError","known: pay",true],["string","text",false]],[["string",""],["Error",""]]]`)
}

// shimSavedConsent: what localStorage says can be given as it is.
func shimSavedConsent(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, `const states = []; for (const saved of [null, undefined, "", "yes", "Counts", "off", "counts", "diagnostics"]) {
saved == null ? localStorage.removeItem("reports") : localStorage.setItem("reports", saved);
const seen = [], h = start({app: "shop", policy: "/policy", consent: localStorage.getItem("reports"), onstatus: s => seen.push(s.state)}); states.push(seen.join()); h.stop() } return states`)
	want(t, got, `["","","","","","off","waiting","waiting"]`)
}

func shimTrustedTypes(t *testing.T, ctx context.Context, site *shimSite) {
	for policy, state := range map[string]string{
		"require-trusted-types-for 'script'":                           `["running",null,0]`,
		"require-trusted-types-for 'script'; trusted-types heliograph": `["running",null,0]`,
		"require-trusted-types-for 'script'; trusted-types other":      `["blocked","csp",1]`,
	} {
		site.policy.Store(policy)
		site.open(t, ctx)
		got := inPage[[]any](t, ctx, `const said = []; console.warn = text => said.push(text); `+startShim("")+`await fetch("/missing/"); await h.flush(); h.stop();
`+startShim("")+`await fetch("/missing/"); await h.flush(); const s = await h.stats(); return [s.state, s.reason, said.filter(s => s.includes("heliograph")).length / (s.state === "blocked" ? 2 : 1)]`)
		want(t, got, state)
	}
}

// shimEmbedderPolicy: a page with COEP needs a worker with COEP, and is told so.
func shimEmbedderPolicy(t *testing.T, ctx context.Context, site *shimSite) {
	site.embed.Store(true)
	site.open(t, ctx)
	got := inPage[[]any](t, ctx, startShim("")+`await fetch("/missing/"); let s; do { await new Promise(r => setTimeout(r, 20)); s = await h.stats(); } while (!s.reason); return [s.state, s.reason, s.text.includes("COEP")]`)
	want(t, got, `["loading","worker",true]`)
	site.workerEmbed.Store(true)
	site.open(t, ctx)
	got = inPage[[]any](t, ctx, startShim("")+`await fetch("/missing/"); await h.flush(); return [(await h.stats()).state, `+observed+`]`)
	want(t, got, `["running",["http.error 404"]]`)
}

// shimNotStarted: an agent that cannot be started says why, once in the console, too, and one that
// can be started afterwards is.
func shimNotStarted(t *testing.T, ctx context.Context, _ *shimSite) {
	got := inPage[[]any](t, ctx, `const said = [], states = []; console.warn = text => said.push(text);
const bad = start({app: "shop", consent: "counts", onstatus: s => states.push(s.state + " " + s.reason)}); const s = await bad.stats(); bad.setConsent("counts"); bad.stop();
`+startShim("")+`await fetch("/missing/"); await h.flush(); return [s.state, s.reason, s.text.includes("policy"), said.length, states, (await h.stats()).state]`)
	want(t, got, `["blocked","start",true,1,["blocked start"],"running"]`)
}

// TestShimBundled: a bundle in any format starts the agent where assets say where its files are,
// and says why not where they do not. The shim in CommonJS, as Jest loads it, does the same.
func TestShimBundled(t *testing.T) {
	site := newShimSite(t)
	mux := site.Config.Handler.(*http.ServeMux)
	app := `import { start } from "./heliograph.js"; window.started = start(window.options); window.start = start;`
	for _, format := range []string{"esm", "iife", "cjs"} {
		out := bundle(t, app, format)
		mux.HandleFunc("/bundle/"+format+".js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(out)
		})
	}
	common, err := os.ReadFile(source.Path("wasm/dist/heliograph.cjs"))
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/bundle/common.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte("{ const module = {exports: {}}, exports = module.exports;\n" + string(common) + "\nwindow.started = module.exports.start(window.options); }"))
	})
	ctx := shimBrowser(t)
	run := func(file, kind, options string) []any {
		site.open(t, ctx)
		return inPage[[]any](t, ctx, `const said = []; console.warn = text => said.push(text); window.options = {app: "shop", policy: "/policy", consent: "counts", successFraction: 1, `+options+`};
const s = Object.assign(document.createElement("script"), {src: "/bundle/`+file+`.js", type: "`+kind+`"}); await new Promise(r => { s.onload = s.onerror = r; document.body.append(s) });
const h = window.started; await fetch("/missing/"); await h.flush(); const {state, reason, text} = await h.stats(); h.stop(); return [state, reason, /assets/.test(text), said.length]`)
	}
	for _, file := range []string{"iife", "cjs", "common"} {
		want(t, run(file, "text/javascript", `assets: "/agent/"`), `["running",null,false,0]`)
		want(t, run(file, "text/javascript", ""), `["blocked","start",true,1]`)
	}
	want(t, run("esm", "module", `assets: "/agent"`), `["running",null,false,0]`)
}

// bundle bundles a script that imports the shim, as an application's own build does.
func bundle(t *testing.T, app, format string) []byte {
	t.Helper()
	esbuild, err := filepath.Abs(source.Path("wasm/npm/node_modules/.bin/esbuild"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), esbuild, "--bundle", "--format="+format, "--log-level=error")
	// where a script that comes from standard input looks for its imports
	cmd.Dir = source.Path("wasm/dist")
	cmd.Stdin = strings.NewReader(app)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: run npm ci in wasm/npm, as make shim does", err)
	}
	return out
}
