package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/tests/source"
)

// shimSite serves a page with the package's shim, and a worker that only writes down what it is
// told: the answer to "sent".
type shimSite struct {
	*httptest.Server
	other   *httptest.Server // another origin, which allows nothing
	workers atomic.Int64     // how often the worker's script was asked for
	policy  atomic.Value     // string: content security policy of the page
	embed   atomic.Bool      // the page has a Cross-Origin-Embedder-Policy
	refuse  atomic.Bool      // the worker's script cannot be had

	worker       atomic.Bool  // serve the real worker's script
	workerPolicy atomic.Value // string: its content security policy
	workerEmbed  atomic.Bool  // it has a Cross-Origin-Embedder-Policy
	module       atomic.Value // string: what it gets for a module, "" for status 503
}

const fakeWorker = `const heard = [];
onmessage = ({data}) => {
  if (data.t === "sent") return postMessage({t: "reply", id: data.id, value: heard});
  if (data.t === "flush" || data.t === "stats") return postMessage({t: "reply", id: data.id});
  heard.push(data);
  if (data.t === "init") setTimeout(() => postMessage({t: "ready"}), 20);
};`

const pixel = `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`

func newShimSite(t *testing.T) *shimSite {
	t.Helper()
	s := new(shimSite)
	s.policy.Store("")
	s.workerPolicy.Store("")
	s.module.Store("")
	mux := http.NewServeMux()
	text := func(path, contentType, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, body)
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if policy, _ := s.policy.Load().(string); policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		if s.embed.Load() {
			w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><link rel=icon href="data:,"><title>Shop</title><body><script type=module src=/page.js></script>`)
	})
	text("GET /page.js", "text/javascript", `import {start} from "/agent/heliograph.js"; window.start = start;`)
	text("/text/", "text/plain", "hello")
	text("/nojson/", "application/json", `{`)
	text("/image/", "image/svg+xml", pixel)
	text("/js/", "text/javascript", "export const x = 1")
	mux.HandleFunc("/importer/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = fmt.Fprintf(w, "import %q", r.URL.Query().Get("child"))
	})
	// waits within its body until /release/ is asked for, and then breaks off or ends
	releases := make(chan string, 1)
	mux.HandleFunc("/late/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		select {
		case how := <-releases:
			if how == "break" {
				panic(http.ErrAbortHandler)
			}
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/release/{how}", func(_ http.ResponseWriter, r *http.Request) { releases <- r.PathValue("how") })
	mux.HandleFunc("GET /agent/heliograph.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, source.Path("wasm/dist/heliograph.js"))
	})
	mux.HandleFunc("GET /agent/heliograph.worker.js", func(w http.ResponseWriter, r *http.Request) {
		s.workers.Add(1)
		if s.refuse.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		w.Header().Set("Cache-Control", "no-store")
		if s.workerEmbed.Load() {
			w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		}
		if !s.worker.Load() {
			_, _ = io.WriteString(w, fakeWorker)
			return
		}
		if policy, _ := s.workerPolicy.Load().(string); policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		http.ServeFile(w, r, source.Path("wasm/dist/heliograph.worker.js"))
	})
	mux.HandleFunc("GET /agent/heliograph.wasm", func(w http.ResponseWriter, _ *http.Request) {
		module, _ := s.module.Load().(string)
		w.Header().Set("Content-Type", "application/wasm")
		if module == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, module)
	})
	mux.HandleFunc("/method/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method) })
	mux.HandleFunc("/missing/", http.NotFound)
	mux.HandleFunc("/redirect/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/text/"+strings.TrimPrefix(r.URL.Path, "/redirect/"), http.StatusFound)
	})
	mux.HandleFunc("/hang/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/reset/", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	// ends in the middle of its body
	mux.HandleFunc("/broken/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	s.Server, s.other = httptest.NewServer(mux), httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(s.other.Close)
	return s
}

func shimBrowser(t *testing.T) context.Context {
	t.Helper()
	ca, err := devca.New("Shim test authority")
	if err != nil {
		t.Fatal(err)
	}
	return chromium(t, ca)
}

// open loads a fresh page of the site, with the shim at hand as start.
func (s *shimSite) open(t *testing.T, ctx context.Context) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+"/")); err != nil {
		t.Fatal(err)
	}
	inPage[bool](t, ctx, `while (typeof start !== "function") await new Promise(r => setTimeout(r, 10)); return true`)
}

// inPage runs the body of an asynchronous function in the page and returns what it returns.
func inPage[T any](t *testing.T, ctx context.Context, body string) (value T) {
	t.Helper()
	bounded, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	text, err := chromedp.Run(bounded, chromedp.Evaluate[string](`(async () => { `+body+` })().then(v => JSON.stringify(v ?? null))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

// message is one that the shim sent its worker.
type message struct {
	T       string
	List    [][]any
	PPM     float64
	Level   float64
	Consent float64
	Count   float64
	Type    string
	Message string
	Stack   string
	App     string
	Policy  string
	WASM    string
}

// startShim starts it in the page, and says what the worker was told.
func startShim(options string) string {
	return `window.urls = [];
window.h = start({app: "shop", version: "1", policy: "/policy", consent: "diagnostics", successFraction: 1, ignore: u => void urls.push(u), ` + options + `});
`
}

// behaviour is something that a page does. Its result must be the same with the shim and without.
type behaviour struct {
	name string
	// body of an asynchronous function (p, other): p makes paths unique, other is another origin
	js   string
	want []string // what the shim records: outcome and status
}

const xhr = `const x = new XMLHttpRequest(), log = []; for (const e of ["loadstart", "load", "error", "abort", "timeout", "loadend", "readystatechange"])
x.addEventListener(e, () => log.push(e + x.readyState + ":" + x.status)); const ended = new Promise(r => x.addEventListener("loadend", () => setTimeout(r)));
`

func element(js string) string {
	return `const e = ` + js + `; const seen = await new Promise(r => { for (const t of ["load", "error", "loadeddata"]) e.addEventListener(t, () => r(t));
document.body.append(e); }); await new Promise(r => setTimeout(r, 50)); return seen;`
}

var behaviours = []behaviour{
	{"fetch", `const r = await fetch("/text" + p + "?secret=1#x"); return [r.status, r.url, r.type, await r.text(), r.bodyUsed]`, []string{"ok"}},
	{"fetch of a Request", `const r = await fetch(new Request("/method" + p, {method: "post", body: "x"})); return r.text()`, []string{"ok"}},
	{"fetch of a URL", `return (await fetch(new URL("/method" + p, location), {method: "put"})).text()`, []string{"ok"}},
	{"fetch of something with toString", `let n = 0; const r = await fetch({toString() { n++; return "/text" + p; }}); return [n, await r.text()]`, nil},
	{"fetch with headers that count", `let n = 0; const headers = {get "x-a"() { return ++n }, traceparent: {toString: () => ++n}}; const r = await fetch("/text" + p, {headers}); return [n, await r.text()]`, []string{"ok"}},
	{"fetch with headers that are read once", `const r = await fetch("/text" + p, {headers: function* () { yield ["traceparent", "x"] }()}); return r.text()`, []string{"ok"}},
	{"fetch with pairs that are read once", `const pair = function* () { yield "traceparent"; yield "x" }; const r = await fetch("/text" + p, {headers: [pair()]}); return r.text()`, []string{"ok"}},
	{"fetch with headers that throw", `return fetch("/text" + p, {headers: {get traceparent() { throw new RangeError("mine") }}}).catch(String)`, nil},
	{"fetch with options that throw", `return fetch("/text" + p, {get method() { throw new RangeError("mine") }}).catch(String)`, nil},
	{"fetch with wrong headers", `return Promise.all(["x", 7, null, [["a"]], {"b a d": "x"}].map(headers => fetch("/text" + p, {headers}).catch(String)))`, nil},
	{"fetch with a stream", `const body = new ReadableStream({start(c) { c.enqueue(new TextEncoder().encode("x")); c.close() }}), request = new Request("/method" + p, {method: "PUT", headers: {traceparent: "x"}, body, duplex: "half"});
return [request.bodyUsed, await fetch(request).catch(String).then(r => typeof r), request.bodyUsed, body.locked]`, []string{"network.failed 0"}},
	{"response read as bytes", `return (await (await fetch("/text" + p)).arrayBuffer()).byteLength`, []string{"ok"}},
	{"response read as a stream", `let n = 0; for (const d = (await fetch("/text" + p)).body.getReader();;) { const {done, value} = await d.read(); if (done) return n; n += value.length }`, []string{"ok"}},
	{"response not read", `return (await fetch("/text" + p)).ok`, []string{"ok"}},
	{"response cloned", `const r = await fetch("/text" + p), c = r.clone(); return [await c.text(), await r.text()]`, []string{"ok"}},
	{"response read twice", `const r = await fetch("/text" + p); await r.text(); return r.text().catch(String)`, []string{"ok"}},
	{"body read late, breaks off", `const r = await fetch("/late" + p); await new Promise(r => setTimeout(r, 1300)); navigator.sendBeacon("/release/break"); return r.text().catch(String)`, []string{"network.failed 200"}},
	{"body read late", `const r = await fetch("/late" + p); await new Promise(r => setTimeout(r, 1300)); navigator.sendBeacon("/release/end"); return r.blob().then(b => b.size)`, []string{"ok"}},
	{"aborted while it is read late", `const a = new AbortController, r = await fetch("/late" + p, a); await new Promise(r => setTimeout(r, 1300)); const t = r.text().catch(e => e.name); a.abort(); return t`, []string{"abandoned 200"}},
	{"fetch of another frame's Request", `const f = document.createElement("iframe"); document.body.append(f); const r = await fetch(new f.contentWindow.Request(location.origin + "/missing" + p, {method: "PUT"}));
f.remove(); return [r.status, r instanceof Response]`, []string{"http.error 404"}},
	{"fetch of another frame's URL", `const f = document.createElement("iframe"); document.body.append(f); const r = await fetch(new f.contentWindow.URL("/reset" + p, location)).catch(String); f.remove(); return r`, []string{"network.failed 0"}},
	{"fetch of a link", `return (await fetch(Object.assign(document.createElement("a"), {href: "/method" + p}))).text()`, []string{"ok"}},
	{"dynamic import", `return (await import("/js" + p)).x`, []string{"ok"}},
	{"dynamic import missing", `return import("/missing" + p).catch(String)`, []string{"http.error 404"}},
	{"dynamic import reset", `return import("/reset" + p).catch(e => e.name)`, []string{"unknown 0"}},
	{"dynamic import of another origin", `return import(other + "/reset" + p).catch(e => e.name)`, []string{"unknown 0"}},
	{"dynamic import whose import is missing", `return import("/importer" + p + "?child=/missing" + p).catch(e => e.name)`, []string{"ok", "http.error 404"}},
	{"module whose import is missing", element(`Object.assign(document.createElement("script"), {type: "module", src: "/importer" + p + "?child=/missing" + p})`), []string{"ok", "http.error 404"}},
	{"module whose import is reset", element(`Object.assign(document.createElement("script"), {type: "Module", src: "/importer" + p + "?child=/reset" + p})`), []string{"ok", "unknown 0"}},
	{"module", element(`Object.assign(document.createElement("script"), {type: "module", src: "/js" + p})`), []string{"ok"}},
	{"module in the page", `const s = Object.assign(document.createElement("script"), {type: "module", textContent: "import '/missing" + p + "'"}); const ended = new Promise(r => s.onerror = r); document.body.append(s); await ended; return s.src`, []string{"http.error 404"}},
	{"script that loads and goes", `const s = Object.assign(document.createElement("script"), {src: "/js" + p}); const ended = new Promise(r => s.onload = s.onerror = r); document.body.append(s); const {type} = await ended; s.remove(); return type`, []string{"ok"}},
	{"events of the page's own", `const tags = {link: "href", img: "src", script: "src", video: "src"}; let n = 0;
for (const tag in tags) { const e = document.createElement(tag); document.body.append(e); e.setAttribute("x" + tags[tag], "/missing" + p); Object.defineProperty(e, tags[tag], {value: location.origin + "/missing" + p});
for (const type of ["error", "load", "loadeddata"]) { e.addEventListener(type, () => n++); e.dispatchEvent(new Event(type)); } e.remove(); } return n`, nil},
	{"response without a body", `return (await fetch("/text" + p, {method: "HEAD"})).text()`, []string{"ok"}},
	{"no JSON", `return (await fetch("/nojson" + p)).json().catch(String)`, []string{"ok"}},
	{"status", `const r = await fetch("/missing" + p); return [r.status, await r.text()]`, []string{"http.error 404"}},
	{"redirect", `const r = await fetch("/redirect" + p); return [r.redirected, r.url, await r.text()]`, []string{"ok"}},
	{"redirect by hand", `const r = await fetch("/redirect" + p, {redirect: "manual"}); return [r.type, r.status]`, []string{"ok"}},
	{"no-cors", `const r = await fetch(other + "/missing" + p, {mode: "no-cors"}); return [r.type, r.status]`, []string{"ok"}},
	{"CORS refused", `return fetch(other + "/text" + p).catch(String)`, []string{"network.failed 0"}},
	{"reset", `return fetch("/reset" + p).catch(String)`, []string{"network.failed 0"}},
	{"body breaks off", `return (await fetch("/broken" + p)).text().catch(String)`, []string{"network.failed 200"}},
	{"stream breaks off", `return (await fetch("/broken" + p)).body.getReader().closed.catch(String)`, []string{"ok"}},
	{"abort", `const a = new AbortController; setTimeout(() => a.abort(), 20); return fetch("/hang" + p, a).catch(e => [String(e), e.name, e === a.signal.reason])`, []string{"abandoned 0"}},
	{"abort with a reason", `const a = new AbortController; setTimeout(() => a.abort("enough"), 20); return fetch(new Request("/hang" + p, a)).catch(e => e)`, []string{"abandoned 0"}},
	{"abort before", `return fetch("/hang" + p, {signal: AbortSignal.abort()}).catch(String)`, nil},
	{"timeout", `return fetch("/hang" + p, {signal: AbortSignal.timeout(20)}).catch(e => e.name)`, []string{"network.timed_out 0"}},
	{"data and blob", `return [await (await fetch("data:text/plain,hi")).text(), await (await fetch(URL.createObjectURL(new Blob(["b"])))).text()]`, nil},
	{"invalid URL", `return fetch("http://[" + p).catch(String)`, nil},
	{"GET with a body", `return fetch("/text" + p, {body: "x"}).catch(String)`, nil},
	{"no arguments", `return fetch().catch(String)`, nil},
	{"wrong this", `return Promise.all([fetch.call({}, "/text" + p).catch(String), Response.prototype.text.call({}).catch(String)])`, nil},
	{"returns a promise", `const f = fetch("/method" + p); return [f instanceof Promise, f.constructor === Promise, await (await f).text()]`, []string{"ok"}},
	{"names and lengths", `return [fetch, XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.send, Response.prototype.json].map(f => [f.name, f.length, typeof f])`, nil},
	{"properties", `const r = await fetch("/text" + p); return [Object.keys(r), Object.getOwnPropertyNames(r), Object.getOwnPropertyDescriptor(window, "fetch").enumerable]`, []string{"ok"}},
	{"rejection that nobody handles", `let n = 0; const count = e => { n++; e.preventDefault() }; addEventListener("unhandledrejection", count);
fetch("/reset" + p); await fetch("/reset" + p).catch(() => 0); while (n === 0) await new Promise(r => setTimeout(r, 10)); await new Promise(r => setTimeout(r, 50)); removeEventListener("unhandledrejection", count); return n`,
		[]string{"network.failed 0", "network.failed 0"}},

	{"XHR", xhr + `x.open("GET", "/text" + p + "?secret=1"); x.send(); await ended; return [log, x.responseText, x.responseURL]`, []string{"ok"}},
	{"XHR post", xhr + `x.open("post", "/method" + p, true); x.send("body"); await ended; return [log, x.response]`, []string{"ok"}},
	{"XHR status", xhr + `x.open("GET", "/missing" + p); x.send(); await ended; return log`, []string{"http.error 404"}},
	{"XHR redirect", xhr + `x.open("GET", "/redirect" + p); x.send(); await ended; return [log, x.responseURL]`, []string{"ok"}},
	{"XHR reset", xhr + `x.open("GET", "/reset" + p); x.send(); await ended; return log`, []string{"network.failed 0"}},
	{"XHR broken body", xhr + `x.open("GET", "/broken" + p); x.send(); await ended; return [log.at(-1), log.includes("error4:0"), x.status]`, []string{"network.failed 0"}},
	{"XHR abort", xhr + `x.open("GET", "/hang" + p); x.send(); setTimeout(() => x.abort(), 20); await ended; return [log, x.readyState]`, []string{"abandoned 0"}},
	{"XHR timeout", xhr + `x.open("GET", "/hang" + p); x.timeout = 20; x.send(); await ended; return log`, []string{"network.timed_out 0"}},
	{"XHR opened again", xhr + `x.open("GET", "/hang" + p); x.send(); x.open("GET", "/text" + p); x.send(); await ended; return [log, x.responseText]`, []string{"abandoned 0", "ok"}},
	{"XHR used again", xhr + `let n = 0; x.onload = () => { if (n++ === 0) { x.open("GET", "/missing" + p); x.send(); } };
x.open("GET", "/text" + p); x.send(); while (n < 2 || x.readyState < 4) await new Promise(r => setTimeout(r, 10)); return [n, log]`, []string{"ok", "http.error 404"}},
	{"XHR headers", xhr + `x.open("POST", "/method" + p); const out = []; for (const a of [["a", "b"], ["traceparent", "x"], ["b a d", "x"], ["x"], []]) try { out.push(x.setRequestHeader(...a)) } catch (e) { out.push(String(e)) }
x.send(); await ended; try { x.setRequestHeader("a", "b") } catch (e) { out.push(String(e)) } return [out, log, x.setRequestHeader.name, x.setRequestHeader.length]`, []string{"ok"}},
	{"XHR synchronous", xhr + `x.open("GET", "/text" + p, false); x.send(); return [log, x.responseText]`, []string{"ok"}},
	{"XHR synchronous, status", xhr + `x.open("GET", "/missing" + p, false); x.send(); return [log, x.status]`, []string{"http.error 404"}},
	{"XHR synchronous, reset", xhr + `x.open("GET", "/reset" + p, false); try { x.send() } catch (e) { return [log, String(e), e.name] }`, []string{"network.failed 0"}},
	{"XHR not opened", `try { new XMLHttpRequest().send() } catch (e) { return String(e) }`, nil},
	{"XHR sent twice", xhr + `x.open("GET", "/text" + p); x.send(); let e; try { x.send() } catch (error) { e = String(error) } await ended; return [e, log]`, []string{"ok"}},
	{"XHR opened wrongly", `const x = new XMLHttpRequest(), out = []; for (const a of [[], ["GET"], ["b a d", "/"], ["GET", "http://["]]) try { x.open(...a) } catch (e) { out.push(String(e)) } return out`, nil},
	{"XHR of data", xhr + `x.open("GET", "data:text/plain,hi"); x.send(); await ended; return [log, x.responseText]`, nil},

	{"image", element(`Object.assign(new Image, {src: "/image" + p})`), []string{"ok"}},
	{"image missing", element(`Object.assign(new Image, {src: "/missing" + p + "?secret=1"})`), []string{"http.error 404"}},
	{"image reset", element(`Object.assign(new Image, {src: "/reset" + p})`), []string{"unknown 0"}},
	{"image that is none", element(`Object.assign(new Image, {src: "/text" + p})`), []string{"unknown 200"}},
	{"image of another origin", element(`Object.assign(new Image, {src: other + "/reset" + p})`), []string{"unknown 0"}},
	{"image of data", element(`Object.assign(new Image, {src: "data:image/png,x"})`), nil},
	{"script missing", element(`Object.assign(document.createElement("script"), {src: "/missing" + p})`), []string{"http.error 404"}},
	// Chromium hides the status of style sheets and videos.
	{"style sheet missing", element(`Object.assign(document.createElement("link"), {rel: "stylesheet", href: "/missing" + p})`), []string{"unknown 0"}},
	{"video missing", element(`Object.assign(document.createElement("video"), {src: "/missing" + p})`), []string{"unknown 0"}},
	{"frame", element(`Object.assign(document.createElement("iframe"), {src: "/missing" + p})`), nil},
}

// TestShimChangesNothing runs every behaviour in a page without the shim and in one with it.
// Results must be the same, and the shim must have recorded each request once.
func TestShimChangesNothing(t *testing.T) {
	site := newShimSite(t)
	ctx := shimBrowser(t)
	var all strings.Builder
	all.WriteString("const cases = {\n")
	for i, b := range behaviours {
		fmt.Fprintf(&all, "%d: async (p, other) => { %s },\n", i, b.js)
	}
	fmt.Fprintf(&all, `}; const out = {}; for (const i in cases) out[i] = await cases[i]("/case" + i + "/", %q).catch(e => "threw " + e); return out`, site.other.URL)

	site.open(t, ctx)
	plain := inPage[map[string]any](t, ctx, all.String())
	if site.workers.Load() != 0 {
		t.Error("a worker was loaded before start")
	}
	site.open(t, ctx)
	watched := inPage[map[string]any](t, ctx, startShim("")+all.String())
	recorded := site.recorded(t, ctx)
	for i, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			key := fmt.Sprint(i)
			if !reflect.DeepEqual(plain[key], watched[key]) {
				t.Errorf("without the shim %v\nwith it %v", plain[key], watched[key])
			}
			if got := recorded["case"+key]; !slices.Equal(got, slices.Sorted(slices.Values(b.want))) {
				t.Errorf("recorded %q, want %q", got, b.want)
			}
			delete(recorded, "case"+key)
		})
	}
	if len(recorded) > 0 {
		t.Errorf("recorded too: %v", recorded)
	}
}

// recorded returns what the shim told its worker, by the second part of the paths. Successes have
// no path: they are what the shim recorded and did not tell as a failure.
func (s *shimSite) recorded(t *testing.T, ctx context.Context) map[string][]string {
	t.Helper()
	seen := inPage[struct {
		URLs  []string
		Heard []message
	}](t, ctx, `await new Promise(r => setTimeout(r, 2500)); await h.flush(); return {urls, heard: await h.sent()}`)
	name := func(url string) string {
		parts := strings.Split(url, "/")
		return parts[min(4, len(parts)-1)]
	}
	out := make(map[string][]string)
	for _, m := range seen.Heard {
		for _, row := range m.List {
			if m.T == "counts" {
				if row[2] != "ok" {
					t.Errorf("counted %v", row)
				}
				continue
			}
			url := fmt.Sprint(row[9])
			if strings.ContainsAny(url, "?#") {
				t.Errorf("a URL with its query: %s", url)
			}
			out[name(url)] = append(out[name(url)], fmt.Sprintf("%v %v", row[2], row[4]))
		}
	}
	failed := maps.Collect(func(yield func(string, int) bool) {
		for k, v := range out {
			if !yield(k, len(v)) {
				return
			}
		}
	})
	for _, url := range seen.URLs {
		if failed[name(url)]--; failed[name(url)] < 0 {
			out[name(url)] = append(out[name(url)], "ok")
		}
	}
	for k := range out {
		slices.Sort(out[k])
	}
	return out
}
