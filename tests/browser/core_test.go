package browser

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/tests/source"
)

// goroot is where the go command keeps wasm_exec.js.
var goroot = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out)), err
})

// compiled is the WebAssembly module, compressed, built as the product is, once for this process.
var compiled = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "heliograph-browser")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "run", "./wasm/build", dir)
	cmd.Dir = source.Root
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return os.ReadFile(filepath.Join(dir, "heliograph.wasm.gz"))
})

// compile returns the module as the sources are now.
func compile(t *testing.T) []byte {
	t.Helper()
	readForBrowsers(t)
	b, err := compiled()
	if err != nil {
		t.Fatalf("building the module for browsers: %v", err)
	}
	return b
}

func readForBrowsers(t *testing.T) {
	t.Helper()
	if err := errors.Join(source.ReadCore(), source.Read("wasm/build/*.go", "wasm/core/*.go", "wasm/internal/*/*.go")); err != nil {
		t.Fatal(err)
	}
}

// workerScript runs /module.wasm and hands it the page's messages.
const workerScript = `importScripts("/wasm_exec.js");
const waiting = [], begun = performance.now();
onmessage = (e) => globalThis.heliographReceive ? heliographReceive(e.data) : waiting.push(e.data);
const go = new Go();
WebAssembly.instantiateStreaming(fetch("/module.wasm"), go.importObject).then(({instance}) => {
  const compiled = performance.now();
  go.run(instance).then(() => postMessage({t: "exited"}), (e) => postMessage({t: "crashed", text: String(e)}));
  postMessage({t: "timing", compile: compiled - begun, start: performance.now() - compiled});
  while (waiting.length) heliographReceive(waiting.shift());
}, (e) => postMessage({t: "crashed", text: String(e)}));
`

// pageScript is a page that has such a worker: said are its messages, once(t) waits for one.
const pageScript = `<!doctype html><title>Page</title><script>
"use strict";
let said = [], wake = () => {};
function startWorker(name) {
  const w = new Worker("/worker.js", {name: name || "w"});
  w.onmessage = (e) => { said.push(e.data); wake(); };
  w.onerror = (e) => { said.push({t: "crashed", text: e.message}); wake(); };
  return w;
}
async function once(ok, ms = 60000) {
  for (const end = Date.now() + ms; ; ) {
    const i = said.findIndex(ok);
    if (i >= 0) return said.splice(i, 1)[0];
    if (Date.now() > end) throw new Error("nothing of the kind was said, but: " + JSON.stringify(said).slice(0, 2000));
    await new Promise((r) => { wake = r; setTimeout(r, 200); });
  }
}
let questions = 0;
async function ask(w, t) {
  const id = ++questions;
  w.postMessage({t, id});
  return (await once((m) => m.t === "reply" && m.id === id)).value;
}
</script>`

// workerSite serves a page at https://shop.test with a worker that runs a module.
func workerSite(t *testing.T, ca *devca.CA, module []byte, more map[string]http.HandlerFunc) (base string) {
	t.Helper()
	cert, err := ca.Issue(time.Now().Add(time.Hour), "shop.test")
	if err != nil {
		t.Fatal(err)
	}
	root, err := goroot()
	if err != nil {
		t.Fatal(err)
	}
	glue, err := os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	file := func(path, mediaType, encoding string, b []byte) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			if encoding != "" {
				w.Header().Set("Content-Encoding", encoding)
			}
			_, _ = w.Write(b)
		})
	}
	file("/{$}", "text/html", "", []byte(pageScript))
	file("/worker.js", "text/javascript", "", []byte(workerScript))
	file("/wasm_exec.js", "text/javascript", "", glue)
	file("/module.wasm", "application/wasm", "gzip", module)
	for path, h := range more {
		mux.HandleFunc(path, h)
	}
	return serveTLS(t, cert, "shop.test", mux)
}

// serveTLS serves on a port of its own of loopback until the test ends.
func serveTLS(t *testing.T, cert tls.Certificate, name string, h http.Handler) (base string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: h}
	go func() { _ = s.ServeTLS(ln, "", "") }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "https://" + name + ":" + port
}

// pipeline runs collector and detector, with a policy that names the collector as the
// browser finds it.
func pipeline(t *testing.T, ca *devca.CA) (node *roles.Process, url string, policy []byte) {
	t.Helper()
	address := freePort(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "d")
	err = roles.Init(dir, roles.InitOptions{
		Config: fmt.Appendf(nil, `collector: {listen: %q, tls_cert: cert.pem, tls_key: key.pem}
dashboard: {listen: "127.0.0.1:0", least_clients: 1}
operations: {listen: "127.0.0.1:0"}
`, address),
		Policy: fmt.Appendf(nil, `seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
success_fraction: 1
collectors: [{id: c1, url: "https://collect.test:%s", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]
`, port),
	})
	if err != nil {
		t.Fatal(err)
	}
	writeCertificate(t, ca, dir, "collect.test")
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	if node, err = roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(node.Run)
	t.Cleanup(func() { _ = stop() })
	if policy, err = os.ReadFile(filepath.Join(dir, "policy")); err != nil {
		t.Fatal(err)
	}
	return node, "https://collect.test:" + port, policy
}

func writeCertificate(t *testing.T, ca *devca.CA, dir, name string) {
	t.Helper()
	cert, err := ca.Issue(time.Now().Add(time.Hour), name)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := devca.EncodePEM(cert)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// mapped are the names that the browser finds on loopback.
func mapped() chromedp.ExecAllocatorOption {
	return chromedp.Flag("host-resolver-rules", "MAP shop.test 127.0.0.1,MAP collect.test 127.0.0.1,MAP other.test 127.0.0.1")
}

// script runs an async function's body in the page and returns what it returns, by JSON.
func script[T any](t *testing.T, ctx context.Context, body string) (value T) {
	t.Helper()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async () => JSON.stringify(await (async () => {"+body+"})()) ?? 'null')()", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("in the page: %v\n%s", err, body)
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("the page returns %s: %v", text, err)
	}
	return value
}

func visit(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// initMessage starts the core, with the policy's bytes. The database is the application's name.
func initMessage(app string, policy []byte, consent int) string {
	numbers := make([]int, len(policy)) // as JavaScript has them in an array
	for i, c := range policy {
		numbers[i] = int(c)
	}
	b, _ := json.Marshal(numbers)
	return fmt.Sprintf(`{t: "init", app: %q, version: "1.2.3", os: "linux", consent: %d, policy: new Uint8Array(%s), db: %q}`, app, consent, b, app)
}

// failure is a message about one failed request.
const failure = `{t: "observe", list: [["https", "api.shop.test", "network.failed", "", 0, 0, Date.now() - 50, 42, "GET", "https://api.shop.test/orders/48151623?token=secret"]]}`

// coreTest is a browser at a site with the core, and a pipeline that it reports to.
type coreTest struct {
	*testing.T
	ctx       context.Context
	base      string
	dashboard string
	policy    []byte
	deaf      []byte // the policy with a collector that does not answer
}

// in is the same for another test, on the same page loaded anew.
func (c *coreTest) in(t *testing.T) *coreTest {
	t.Helper()
	again := *c
	again.T = t
	visit(t, c.ctx, c.base+"/")
	return &again
}

// run runs an async function's body in the page.
func (c *coreTest) run(body string) map[string]any {
	c.Helper()
	return script[map[string]any](c.T, c.ctx, body)
}

// wantFailed waits until the application's failed requests in the totals are want, and looks
// whether they stay so.
func (c *coreTest) wantFailed(app string, want float64) {
	c.Helper()
	var got float64
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		got = 0
		for _, r := range getJSON(c.T, "http://"+c.dashboard+"/api/v1/totals?since=15m&by=app") {
			if n, _ := r["failed"].(float64); r["app"] == app {
				got += n
			}
		}
		if got >= want {
			break
		}
	}
	if got != want {
		c.Errorf("%v failures of %s in the totals, want %v", got, app, want)
	}
}

// deafPolicy is policy with its collectors where nothing listens.
func deafPolicy(t *testing.T, signed []byte) []byte {
	t.Helper()
	signer, err := policy.Signer(signed)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Open(signed, signer)
	if err != nil {
		t.Fatal(err)
	}
	p.Collectors[0].URL = "https://collect.test:" + probetest.ClosedPort(t)[len("127.0.0.1:"):]
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err = policy.Sign(p, key); err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestCore is about the worker's program, with a page that does no more than to pass messages on.
func TestCore(t *testing.T) {
	ca := authority(t)
	node, _, policy := pipeline(t, ca)
	var off atomic.Bool
	base := workerSite(t, ca, compile(t), map[string]http.HandlerFunc{
		"/policy": func(w http.ResponseWriter, _ *http.Request) {
			if off.Load() {
				http.Error(w, "down", http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(policy)
		},
		"/other": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<!doctype html><title>Other</title>"))
		},
		"/policy-off": func(http.ResponseWriter, *http.Request) { off.Store(true) },
	})
	c := &coreTest{T: t, ctx: patient(t, ca), base: base, dashboard: node.DashboardAddr, policy: policy, deaf: deafPolicy(t, policy)}
	for _, test := range []struct {
		name string
		run  func(c *coreTest)
	}{
		{"delivers", coreDelivers},
		{"leaves nothing readable", coreLeavesNothingReadable},
		{"outlives its tab", coreOutlivesItsTab},
		{"hands out parcels", coreHandsOutParcels},
		{"refuses nonsense", coreRefusesNonsense},
		{"hears other tabs withdraw", coreHearsOtherTabsWithdraw},
		{"cleans up after a refusal", coreCleansUp},
		{"gets the policy by URL", corePolicyByURL},
		{"stays out of the back/forward cache's way", coreLetsPagesRest},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(c.in(t)) })
	}
}

// patient is a browser for several tests, on a machine that may have more to do.
func patient(t *testing.T, ca *devca.CA) context.Context {
	t.Helper()
	home := t.TempDir()
	if err := trust(home, ca); err != nil {
		t.Fatal(err)
	}
	ctx, stop, err := launch(t.Context(), home, mapped())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(ctx, 6*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// coreDelivers: what a page observes is sealed by the worker and delivered, and shows in the totals
// and in the log of what was sent.
func coreDelivers(c *coreTest) {
	timing := c.run(`
const w = startWorker(), begun = performance.now();
w.postMessage(` + initMessage("delivers", c.policy, 2) + `);
const timing = await once((m) => m.t === "timing");
await once((m) => m.t === "ready");
timing.ready = performance.now() - begun;
const now = Date.now();
w.postMessage(` + failure + `);
w.postMessage({t: "counts", start: now - 500, end: now, ppm: 0, list: [["https", "api.shop.test", "ok", "h2", 200, 0, 49, 7]]});
w.postMessage({t: "counts", start: now - 120000, end: now - 60000, ppm: 0, list: [["https", "api.shop.test", "http.error", "h2", 503, 0, -Infinity, 2]]});
w.postMessage({t: "error", kind: 1, type: "TypeError", message: "no", frames: [["checkout", "app.js", 12]], at: now});
w.postMessage({t: "lost", count: 3});
const sealed = performance.now();
await once((m) => m.t === "status" && m.sealed >= 4 && m.pending === 0);
timing.delivered = performance.now() - sealed;
return {timing, stats: await ask(w, "stats"), sent: await ask(w, "sent"), parcels: said.filter((m) => m.t === "parcels").pop().list.length};`)
	c.Logf("milliseconds: %v", timing["timing"])
	stats := timing["stats"].(map[string]any)
	if stats["observed"] != 10.0 || stats["errors"] != 1.0 || stats["pending"] != 0.0 || stats["storage"] != "indexeddb" || stats["refused"] != 0.0 ||
		fmt.Sprint(stats["dropped"]) != "map[queue_full:3]" {
		c.Errorf("stats %v", stats)
	}
	text := fmt.Sprint(timing["sent"])
	for _, want := range []string{"api.shop.test/orders/:id", "1 request to https://api.shop.test failed: network.failed", "TypeError"} {
		if !strings.Contains(text, want) {
			c.Errorf("the log of what was sent has no %q: %s", want, text)
		}
	}
	if timing["parcels"] != 0.0 {
		c.Errorf("%v parcels remain", timing["parcels"])
	}
	c.wantFailed("delivers", 3)
}

// dump returns everything in a database as a string, bytes as Latin-1.
const dump = `const dump = (name) => new Promise((done, fail) => {
  const open = indexedDB.open(name);
  open.onerror = () => fail(open.error);
  open.onsuccess = async () => {
    let text = "";
    const show = (v) => typeof v === "string" ? v : ArrayBuffer.isView(v) ? new TextDecoder("latin1").decode(v) : Array.isArray(v) ? v.map(show).join("|") : JSON.stringify(v);
    const all = (r) => new Promise((ok) => { r.onsuccess = () => ok(r.result); });
    for (const s of open.result.objectStoreNames) {
      const store = open.result.transaction(s).objectStore(s);
      text += "\n" + s + ": " + show(await all(store.getAllKeys()));
      const values = open.result.transaction(s).objectStore(s);
      text += "\n" + show(await all(values.getAll()));
    }
    open.result.close();
    done(text);
  };
});
`

// coreLeavesNothingReadable: while segments wait, and after some were sent, the database has no
// host, path, message or secret in it.
func coreLeavesNothingReadable(c *coreTest) {
	for _, policy := range [][]byte{c.deaf, c.policy} {
		got := c.run(dump + `
const w = startWorker();
w.postMessage(` + initMessage("readable", policy, 2) + `);
await once((m) => m.t === "ready");
w.postMessage(` + failure + `);
w.postMessage({t: "error", kind: 1, type: "TypeError", message: "mail of jane.doe is void", frames: [["submitOrder", "checkout.js", 12]], at: Date.now()});
await ask(w, "flush");
w.terminate();
const text = await dump("readable");
return {text, chunks: (await indexedDB.databases()).length};`)
		text := fmt.Sprint(got["text"])
		if !strings.Contains(text, "segments: ") || !strings.Contains(text, "state: ") || len(text) < 500 {
			c.Errorf("the dump is %q", text)
		}
		for _, secret := range []string{"api.shop", "orders", "48151623", "secret", "jane", "submitOrder", "checkout", "TypeError", "network.failed"} {
			if strings.Contains(text, secret) {
				c.Errorf("%q is in the database", secret)
			}
		}
	}
}

// coreOutlivesItsTab: a tab dies while no collector answers, a second after a failure. The next one
// delivers what it left, once.
func coreOutlivesItsTab(c *coreTest) {
	got := c.run(`
const w = startWorker();
w.postMessage(` + initMessage("outlives", c.deaf, 2) + `);
await once((m) => m.t === "ready");
w.postMessage(` + failure + `);
await once((m) => m.t === "status" && m.sealed > 0);
w.postMessage(` + failure + `);
const status = await once((m) => m.t === "status" && m.sealed > 2);
w.terminate();
return status;`)
	if got["delivered"] != 0.0 || got["pending"] == 0.0 {
		c.Fatalf("status %v", got)
	}
	c.run(`
const w = startWorker(), other = startWorker();
for (const one of [w, other]) one.postMessage(` + initMessage("outlives", c.policy, 2) + `);
for (const one of [w, other]) await once((m) => m.t === "ready");
for (const end = Date.now() + 60000; ;) {
  const stats = await ask(w, "stats");
  if (stats.pending === 0) return stats;
  if (Date.now() > end) throw new Error(JSON.stringify(stats));
  await new Promise((r) => setTimeout(r, 200));
}`)
	c.wantFailed("outlives", 2)
}

// coreHandsOutParcels: what the page sends for the worker reaches the collector, and is not counted
// twice when the worker sends it, too.
func coreHandsOutParcels(c *coreTest) {
	got := c.run(`
const w = startWorker();
w.postMessage(` + initMessage("parcels", c.deaf, 2) + `);
await once((m) => m.t === "ready");
w.postMessage(` + failure + `);
await ask(w, "flush");
said = said.filter((m) => m.t !== "parcels");
w.postMessage({t: "hide"});
const parcel = (await once((m) => m.t === "parcels")).list[0];
w.terminate();
window.parcel = parcel;
return {url: parcel.url, headers: parcel.headers, size: parcel.body.byteLength};`)
	headers, _ := got["headers"].(map[string]any)
	if size, _ := got["size"].(float64); headers["Content-Type"] != protocol.MediaTypeSegment || headers[protocol.HeaderDelivery] == "" || size < 1000 {
		c.Errorf("parcel %v", got)
	}
	signer, err := policy.Signer(c.policy)
	if err != nil {
		c.Fatal(err)
	}
	p, err := policy.Open(c.policy, signer)
	if err != nil {
		c.Fatal(err)
	}
	answer := c.run(`
const answer = await fetch(` + strconv.Quote(p.Collectors[0].URL) + ` + "/v1/batches", {method: "POST", headers: parcel.headers, body: parcel.body, keepalive: true});
const w = startWorker();
w.postMessage(` + initMessage("parcels", c.policy, 2) + `);
await once((m) => m.t === "status" && m.delivered > 0 && m.pending === 0);
return {status: answer.status};`)
	if answer["status"] != 202.0 {
		c.Errorf("the page's request: %v", answer)
	}
	c.wantFailed("parcels", 1)
}

// coreRefusesNonsense: messages of the wrong shape are counted, and do no harm.
func coreRefusesNonsense(c *coreTest) {
	got := c.run(`
const w = startWorker(), row = ["https", "api.shop.test", "ok", "", 0, 0, 0, 0, "", ""];
const nonsense = [undefined, null, 7, 7n, "text", [], {}, {t: 7}, {t: 7n}, {t: "x".repeat(1e6)}, {t: "observe"}, {t: "observe", list: 7}, {t: "observe", list: {length: 3}},
  {t: "observe", list: 7n}, {t: "observe", list: [7]}, {t: "observe", list: [[]]}, {t: "observe", list: [row.map(() => null)]}, {t: "observe", list: [row.map(() => 1n)]},
  {t: "observe", list: [row.map(() => "x")]}, {t: "observe", list: [row.map(() => NaN)]}, {t: "observe", list: new Array(5000).fill(row)},
  {t: "counts"}, {t: "counts", start: -1, end: 0, ppm: 0, list: []}, {t: "counts", start: 0, end: 0, ppm: 2e6, list: []}, {t: "counts", start: 0, end: 0, ppm: 0, list: [[1]]},
  {t: "error"}, {t: "error", kind: 1, at: 1e300, frames: []}, {t: "consent"}, {t: "consent", level: 3}, {t: "consent", level: "2"}, {t: "lost", count: -1}, {t: "init"}];
w.postMessage({t: "observe", list: [row]});
w.postMessage(` + initMessage("nonsense", c.policy, 2) + `);
await once((m) => m.t === "ready");
for (const m of nonsense) w.postMessage(m);
w.postMessage({t: "error", kind: 1, type: "E", message: "", frames: [[1, 2, 3], ["f", "a.js", -1], 7n, ["g", "b.js", 4]], at: Date.now()});
const stats = await ask(w, "stats");
return {stats, expected: nonsense.length + 1, bad: said.filter((m) => m.t === "crashed" || m.t === "failed" || m.t === "exited")};`)
	stats := got["stats"].(map[string]any)
	if stats["refused"] != got["expected"] || stats["errors"] != 1.0 || stats["observed"] != 0.0 || stats["panics"] != 0.0 || fmt.Sprint(got["bad"]) != "[]" {
		c.Errorf("%v", got)
	}
}

// coreHearsOtherTabsWithdraw: the user withdraws consent in one tab. The other stops, and neither
// leaves a database behind.
func coreHearsOtherTabsWithdraw(c *coreTest) {
	got := c.run(`
const a = startWorker("a"), b = startWorker("b");
for (const w of [a, b]) w.postMessage(` + initMessage("withdraw", c.policy, 2) + `);
for (const w of [a, b]) await once((m) => m.t === "ready");
for (const w of [a, b]) w.postMessage(` + failure + `);
for (const w of [a, b]) await ask(w, "flush");
a.postMessage({t: "consent", level: 0});
await ask(a, "flush");
for (const end = Date.now() + 60000; ;) {
  b.postMessage(` + failure + `);
  const stats = [await ask(a, "stats"), await ask(b, "stats")];
  const left = (await indexedDB.databases()).some((d) => d.name === "withdraw");
  if (stats.every((s) => s.consent === 0 && s.done) && !left) return {stats};
  if (Date.now() > end) throw new Error(JSON.stringify({stats, left}));
  await new Promise((r) => setTimeout(r, 200));
}`)
	for _, s := range got["stats"].([]any) {
		if s := s.(map[string]any); s["pending"] != 0.0 || s["inForce"] != 0.0 {
			c.Errorf("stats %v", s)
		}
	}
}

// coreCleansUp: an earlier page had consent and sent something; this one starts with a refusal. The
// deletion notice is delivered, and the database goes.
func coreCleansUp(c *coreTest) {
	c.run(`
const w = startWorker();
w.postMessage(` + initMessage("cleansup", c.policy, 2) + `);
w.postMessage(` + failure + `);
await once((m) => m.t === "status" && m.delivered > 0 && m.pending === 0);
w.terminate();
const again = startWorker();
again.postMessage(` + initMessage("cleansup", c.policy, 0) + `);
const status = await once((m) => m.t === "status" && m.done);
const left = (await indexedDB.databases()).some((d) => d.name === "cleansup");
if (left || status.delivered !== 1) throw new Error(JSON.stringify({left, status}));
return {};`)
}

// coreLetsPagesRest: a page that is left in the middle of an outage, while segments wait for a
// collector, comes back from the back/forward cache as it was, and its worker with it.
func coreLetsPagesRest(c *coreTest) {
	c.run(`
window.w = startWorker();
w.postMessage(` + initMessage("rests", c.deaf, 2) + `);
await once((m) => m.t === "ready");
w.postMessage(` + failure + `);
await once((m) => m.t === "status" && m.sealed > 0);
w.postMessage(` + failure + `);
await ask(w, "flush");
window.onpageshow = (e) => { window.restored = e.persisted; };
return {};`)
	visit(c.T, c.ctx, c.base+"/other")
	if _, err := chromedp.Run(c.ctx, chromedp.Evaluate[chromedp.Void](`setTimeout(() => history.back())`)); err != nil {
		c.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		// an error while it goes from page to page
		path, err := chromedp.Run(c.ctx, chromedp.Evaluate[string](`location.pathname`))
		if err == nil && path == "/" {
			break
		}
		if time.Now().After(deadline) {
			c.Fatalf("the page does not come back: at %q, %v", path, err)
		}
	}
	got := c.run(`
const [n] = performance.getEntriesByType("navigation");
return {restored: window.restored, why: n.notRestoredReasons, stats: window.w ? await ask(w, "stats") : null};`)
	if stats, _ := got["stats"].(map[string]any); got["restored"] != true || stats["pending"] == 0.0 {
		c.Errorf("%v", got)
	}
}

// corePolicyByURL: the page names the policy's URL. A page that comes while that does not answer
// takes the kept one; one without any says why it does not work.
func corePolicyByURL(c *coreTest) {
	got := c.run(`
const start = async (db, policy) => {
  const w = startWorker();
  w.postMessage({t: "init", app: "byurl", version: "", os: "", consent: 1, db, policy});
  const m = await once((m) => m.t === "ready" || m.t === "failed");
  w.terminate();
  return m;
};
const there = new URL("/policy", location.href).href;
const out = {first: await start("byurl", there), missing: await start("byurl2", there + "-none"), wrong: await start("byurl3", location.href), number: await start("byurl4", 7)};
await fetch("/policy-off");
out.kept = await start("byurl", there);
return out;`)
	for what, want := range map[string]string{"first": "ready", "kept": "ready", "missing": "404", "wrong": "no signed policy", "number": "URL or a Uint8Array"} {
		if text := fmt.Sprint(got[what]); !strings.Contains(text, want) || want != "ready" && !strings.Contains(text, "reason:policy") {
			c.Errorf("%s: %s, want %q", what, text, want)
		}
	}
}
