package browser

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/tests/source"
	"github.com/heliograph-net/heliograph/wasm"
)

var (
	guideFile   = regexp.MustCompile("(?s)```(?:html|js)\n(?:<!--|//) ([a-z]+\\.[a-z]+)(?: -->)?\n(.*?)```")
	guidePolicy = regexp.MustCompile("(?m)^Content-Security-Policy: (.*)$")
)

// TestBrowserGuide does what docs/browser.md says: its page, its script, under its content security
// policy, with a whole operator behind it. The visitor consents, a request fails, and both the
// visitor and the operator see what was sent, without its query.
func TestBrowserGuide(t *testing.T) {
	doc, err := os.ReadFile(source.Path("docs/browser.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, m := range guideFile.FindAllSubmatch(doc, -1) {
		files[string(m[1])] = string(m[2])
	}
	policy := guidePolicy.FindSubmatch(doc)
	if len(files) != 2 || policy == nil {
		t.Fatalf("the guide has %d files and the policy %q", len(files), policy)
	}
	node, dir, collector := guideOperator(t)
	csp := strings.Replace(string(policy[1]), "https://c1.example-a.net https://c2.example-b.org", collector, 1)
	if csp == string(policy[1]) {
		t.Fatalf("the guide's policy names no collectors: %s", csp)
	}

	mux := http.NewServeMux()
	assets, err := wasm.Handler(wasm.Files())
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/heliograph/", http.StripPrefix("/heliograph/", assets))
	module := compile(t) // the one in the handler may be of yesterday
	mux.HandleFunc("/heliograph/heliograph.wasm", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/wasm")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(module)
	})
	mux.HandleFunc("/policy", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(dir, "policy")) })
	mux.HandleFunc("/{name...}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if name == "" {
			name = "index.html"
		}
		http.ServeContent(w, r, name, time.Time{}, strings.NewReader(files[name]))
	})
	mux.Handle("/orders/", http.NotFoundHandler())
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", csp)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)

	ctx := shimBrowser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(site.URL+"/")); err != nil {
		t.Fatal(err)
	}
	text := inPage[string](t, ctx, `window.said = []; for (const f of ["log", "warn", "error"]) console[f] = (...a) => said.push(a.join(" "));
const press = id => document.querySelector(id).click(), out = document.querySelector("#out"); press("#yes"); press("#buy");
while (!/status/.test(out.textContent)) await new Promise(r => setTimeout(r, 50));
for (let i = 0; i < 200 && !/In detail/.test(out.textContent); i++) { press("#sent"); await new Promise(r => setTimeout(r, 100)) }
return out.textContent + said.join()`)
	for _, part := range []string{"http.error", "/orders/:id", "went to collector c1"} {
		if !strings.Contains(text, part) {
			t.Errorf("the visitor does not see %q in: %s", part, text)
		}
	}
	deadline := time.Now().Add(20 * time.Second)
	for !has(getJSON(t, "http://"+node.DashboardAddr+"/api/v1/totals?since=15m&by=type,target,app"), "http.error", "failed") {
		if time.Now().After(deadline) {
			t.Fatal("the operator does not see the failure")
		}
		time.Sleep(50 * time.Millisecond)
	}
	assertNowhere(t, dir, "secret")

	// Who says no afterwards leaves nothing behind.
	left := inPage[int](t, ctx, `document.querySelector("#no").click();
for (let i = 0; i < 200 && (await indexedDB.databases()).length > 0; i++) await new Promise(r => setTimeout(r, 100));
return (await indexedDB.databases()).length`)
	if left != 0 {
		t.Errorf("%d databases after a refusal", left)
	}
}

// guideOperator runs a collector and a detector on this machine, and returns the
// collector's origin.
func guideOperator(t *testing.T) (n *roles.Process, dir, collector string) {
	t.Helper()
	address := freePort(t)
	dir = filepath.Join(t.TempDir(), "d")
	err := roles.Init(dir, roles.InitOptions{
		Config: fmt.Appendf(nil, "collector: {listen: %q}\ndashboard: {listen: \"127.0.0.1:0\", least_clients: 1}\noperations: {listen: \"127.0.0.1:0\"}\n", address),
		Policy: fmt.Appendf(nil, `seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors: [{id: c1, url: "http://%s", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]
`, address),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	n, err = roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	t.Cleanup(func() { _ = stop() })
	return n, dir, "http://" + address
}
