package browser

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/nel"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/faults"
)

// TestBrowsersOwnReports: a service sends the headers that `heliograph headers` prints, and then
// fails in every way that can be provoked. Chromium's reports must be in the store under their
// exact type and phase, as a population of their own, and the query nowhere.
func TestBrowsersOwnReports(t *testing.T) {
	ca, err := devca.New("Browser test authority")
	if err != nil {
		t.Fatal(err)
	}
	node, dir := reportsNode(t, ca)
	headers := askForReports(t, node)
	shop := startOrigin(t, ca, "127.0.0.1:0", headers)
	moved, movedTo := startTwins(t, ca, headers, "Content-Security-Policy: img-src 'self'; report-uri "+reportURL(t, node)+"\r\n")
	broken := map[string]*origin{}
	connection := connectionFaults(t, ca)
	for f := range connection {
		broken[f] = startOrigin(t, ca, "127.0.0.1:0", headers)
	}
	home := t.TempDir()
	if err := trust(home, ca); err != nil {
		t.Fatal(err)
	}
	v := start(t, home, "127.0.0.1")
	v.open(shop.url + "/")

	// nine in ten successes are reported: all but surely one of them
	well := slices.Repeat([]string{shop.url + "/well?x=secret"}, 10)
	for _, o := range broken {
		well = append(well, o.url+"/well?x=secret")
	}
	v.fetch(true, append(well, moved.url+"/well?x=secret")...)
	for f, o := range broken {
		o.misbehave(connection[f])
	}
	broken["/refused tcp.refused connection"].close()

	want := map[string]bool{} // path, outcome, phase
	unanswered := []string{"https://gone.shop.test:" + shop.port() + "/gone?x=secret"}
	want["/gone dns.name_not_resolved dns"] = true
	for f, o := range broken {
		want[f] = true
		unanswered = append(unanswered, o.url+pathOf(f)+"?x=secret")
	}
	for _, f := range requestFaults {
		want[f] = true
		unanswered = append(unanswered, shop.url+pathOf(f)+"?x=secret")
	}
	v.fetch(false, unanswered...)
	want["/status/missing http.error application"] = true
	want["/status/broken http.error application"] = true
	v.fetch(true, shop.url+"/status/missing?x=secret", shop.url+"/status/broken?x=secret")
	want["/slow abandoned application"] = true
	v.giveUp(shop.url + "/slow?x=secret")
	want["/page browser.csp.img_src application"] = true
	want["/page browser.deprecation application"] = true
	want["/page browser.intervention application"] = true
	v.open(shop.url + "/page?x=secret")
	want["/crash browser.crash.unknown application"] = true
	v.crash(shop.url + "/crash?x=secret")

	awaitReports(t, node, want)
	v.readAnswers("https://collect.test:" + portOf(t, node))

	// The policy outlives the browser. Then the service moves: what the browser says of its
	// requests hides how they went.
	v.quit()
	moved.close()
	v = start(t, home, "127.0.0.3")
	want["/legacy browser.csp.img_src application"] = true // sent at once, in the older format
	v.open(movedTo.url + "/legacy?x=secret")
	v.fetch(true, slices.Repeat([]string{movedTo.url + "/well?x=secret"}, 10)...)
	want["/body/reset dns.address_changed dns"] = true
	v.fetch(false, movedTo.url+"/body/reset?x=secret")
	rows := awaitReports(t, node, want)
	awaitAnswered(t, node, movedTo.url)
	v.quit()
	checkReports(t, rows)
	checkTotals(t, node, rows)
	assertNowhere(t, dir, "secret")
	if !t.Failed() {
		seen := make(map[string]report.Outcome)
		for f := range want {
			// what moved says nothing of how it went
			if name := nelFaults[pathOf(f)]; name != "" && !strings.Contains(f, string(report.DNSAddressChanged)) {
				seen[name] = report.Outcome(strings.Fields(f)[1])
			}
		}
		faults.Start(t).Check(t, "Chromium, NEL", faults.Seen{"NEL": seen})
	}
}

// nelFaults are the faults of docs/outcomes.md that are among those here, by path.
var nelFaults = map[string]string{
	"/status/missing": "status 404", "/status/broken": "status 503", "/gone": "name that does not exist", "/refused": "connection refused",
	"/headers/reset": "reset before the answer", "/body/reset": "reset in the body", "/slow": "no answer", "/empty": "closed without an answer",
	"/headers/truncated": "closed in the head", "/body/cut": "closed in the body", "/body/chunks": "closed in a chunk", "/body/chunk": "malformed chunk",
	"/headers/garbage": "another protocol than HTTP", "/expired": "certificate expired", "/misnamed": "certificate for another name",
	"/stranger": "certificate of an unknown authority", "/old": "old version of TLS", "/badclient": "client certificate wanted",
	"/plain": "HTTP instead of TLS", "/hello/close": "closed in the handshake", "/hello/reset": "reset in the handshake",
}

// startTwins listens on one port of two addresses.
func startTwins(t *testing.T, ca *devca.CA, headers, others string) (first, second *origin) {
	t.Helper()
	port := commonPort(t, "127.0.0.1", "127.0.0.3")
	return startOrigin(t, ca, "127.0.0.1:"+port, headers), startOrigin(t, ca, "127.0.0.3:"+port, others)
}

// commonPort returns a port that is free on two addresses.
func commonPort(t *testing.T, first, second string) string {
	t.Helper()
	for range 100 {
		a, err := net.Listen("tcp", first+":0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(a.Addr().String())
		b, err := net.Listen("tcp", net.JoinHostPort(second, port))
		_ = a.Close()
		if err == nil {
			_ = b.Close()
			return port
		}
	}
	t.Fatal("no port is free on both addresses")
	return ""
}

func reportURL(t *testing.T, n *roles.Process) string {
	return "https://collect.test:" + portOf(t, n) + "/v1/reports"
}

// start starts a browser with a profile that may have been used before, for which the service is at
// an address.
func start(t *testing.T, home, address string) visitor {
	t.Helper()
	ctx, stop, err := launch(t.Context(), home, chromedp.Flag("short-reporting-delay", true), chromedp.Flag("host-resolver-rules",
		"MAP gone.shop.test ~NOTFOUND,MAP shop.test "+address+",MAP collect.test 127.0.0.2,MAP * ~NOTFOUND"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	// not earlier: it would bound the browser's life instead
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return visitor{t, ctx}
}

// connectionFaults are faults before HTTP, by the path that is asked for, the outcome and
// the phase.
func connectionFaults(t *testing.T, ca *devca.CA) map[string]fault {
	t.Helper()
	stranger, err := devca.New("Authority that nobody trusts")
	if err != nil {
		t.Fatal(err)
	}
	good := issue(t, ca, time.Hour, "shop.test")
	old := serverTLS(good)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	return map[string]fault{
		// its listener is closed besides
		"/refused tcp.refused connection":                 closes,
		"/hello/reset tcp.reset connection":               resets,
		"/hello/close tcp.closed connection":              closes,
		"/expired tls.cert.date_invalid connection":       shows(serverTLS(issue(t, ca, -time.Hour, "shop.test"))),
		"/misnamed tls.cert.name_invalid connection":      shows(serverTLS(issue(t, ca, time.Hour, "other.test"))),
		"/stranger tls.cert.authority_invalid connection": shows(serverTLS(issue(t, stranger, time.Hour, "shop.test"))),
		"/old tls.version_or_cipher_mismatch connection":  shows(old),
		"/plain tls.protocol.error connection":            says("HTTP/1.1 400 Bad Request\r\n\r\n"),
		// Fatal alerts: RFC 6066, section 3, and RFC 8446, section 6.2.
		"/unrecognized tls.unrecognized_name_alert connection": says("\x15\x03\x03\x00\x02\x02\x70"),
		"/badclient tls.bad_client_auth_cert connection":       says("\x15\x03\x03\x00\x02\x02\x2a"),
		"/frames h2.protocol.error connection":                 breaksHTTP2(good),
	}
}

// requestFaults are what (*origin).answer does wrong, by path, outcome and phase.
var requestFaults = []string{
	"/headers/reset tcp.reset connection",
	"/headers/cut http.response.invalid.empty application",
	"/empty http.response.invalid.empty application",
	"/headers/truncated http.response.headers.truncated application",
	"/headers/lengths http.response.headers.multiple_content_length application",
	"/headers/dispositions http.response.headers.multiple_content_disposition application",
	"/headers/garbage http.response.invalid application",
	"/body/reset tcp.reset connection",
	"/body/short http.response.invalid.content_length_mismatch application",
	"/body/cut http.response.invalid.content_length_mismatch application",
	"/body/chunk http.response.invalid.invalid_chunked_encoding application",
	"/body/chunks http.response.invalid.incomplete_chunked_encoding application",
}

func pathOf(f string) string {
	path, _, _ := strings.Cut(f, " ")
	return path
}

// reportsNode runs collector and detector, which keep all browser reports, at https://collect.test
// on 127.0.0.2.
func reportsNode(t *testing.T, ca *devca.CA) (n *roles.Process, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "d")
	if err := roles.Init(dir, roles.InitOptions{Config: []byte(`
collector:
  listen: "127.0.0.2:0"
  tls_cert: cert.pem
  tls_key: key.pem
  browser_reports: {csp-violation: store, deprecation: store, intervention: store, crash: store}
dashboard: {listen: "127.0.0.1:0", least_clients: 1}
operations: {listen: "127.0.0.1:0"}
`), Policy: []byte(`
seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
samples_per_window: 100
collectors: [{id: c1, url: "https://collect.test", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]
`)}); err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := devca.EncodePEM(issue(t, ca, time.Hour, "collect.test"))
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	n, err = roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
		assertNowhere(t, dir, "secret")
	})
	return n, dir
}

func portOf(t *testing.T, n *roles.Process) string {
	t.Helper()
	u, err := url.Parse("https://" + n.CollectorAddr)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// askForReports are the lines of the headers for a node's collector.
func askForReports(t *testing.T, n *roles.Process) string {
	t.Helper()
	collectors := []policy.Collector{{ID: "c1", URL: "https://collect.test:" + portOf(t, n), Priority: 1, Weight: 1}}
	o := nel.Options{Group: "nel", MaxAge: time.Hour, SuccessFraction: 0.9, FailureFraction: 1, IncludeSubdomains: true, Reports: true}
	all, err := nel.Headers(collectors, o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, h := range append(all, nel.Header{Name: "Content-Security-Policy", Value: "img-src 'self'; " + nel.Directives(collectors, o)}) {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	return b.String()
}

// visitor drives a browser.
type visitor struct {
	t   *testing.T
	ctx context.Context
}

// quit ends the browser in good order: what it remembers is on disk.
func (v visitor) quit() {
	v.t.Helper()
	if err := chromedp.Cancel(v.ctx); err != nil {
		v.t.Fatal(err)
	}
}

func (v visitor) open(url string) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.Navigate(url)); err != nil {
		v.t.Fatal(err)
	}
}

// evaluate returns the text that a promise of script comes to.
func (v visitor) evaluate(script string) string {
	v.t.Helper()
	s, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%s: %v", script, err)
	}
	return s
}

// fetch asks for URLs at once and must get an answer to each, or to none.
func (v visitor) fetch(answered bool, urls ...string) {
	v.t.Helper()
	list, err := json.Marshal(urls)
	if err != nil {
		v.t.Fatal(err)
	}
	got := strings.Fields(v.evaluate(fmt.Sprintf(`Promise.all(%s.map(u => fetch(u, {cache: "no-store"}).then(r => r.text()).then(() => "answered", e => e.name))).then(all => all.join(" "))`, list)))
	want := map[bool]string{true: "answered", false: "TypeError"}[answered]
	for i, u := range urls {
		if len(got) != len(urls) || got[i] != want {
			v.t.Fatalf("%s: %v, want %s", u, got, want)
		}
	}
}

// giveUp asks for a URL and does not wait for the answer.
func (v visitor) giveUp(url string) {
	v.t.Helper()
	got := v.evaluate(fmt.Sprintf(`fetch(%q, {signal: AbortSignal.timeout(100)}).then(() => "answered", e => e.name)`, url))
	if got != "TimeoutError" {
		v.t.Errorf("%s: %s", url, got)
	}
}

// crash opens a page in a tab of its own and ends its process.
func (v visitor) crash(url string) {
	v.t.Helper()
	ctx, closeTab := chromedp.NewContext(v.ctx)
	visitor{v.t, ctx}.open(url)
	done := make(chan struct{})
	go func() { // there is no answer: it ends with the browser
		defer close(done)
		_ = chromedp.Do(ctx, chromedp.Navigate("chrome://crash"))
	}()
	v.t.Cleanup(func() { closeTab(); <-done })
}

// readAnswers does what a worker with an agent does with a collector of another origin.
func (v visitor) readAnswers(collector string) {
	v.t.Helper()
	got := v.evaluate(fmt.Sprintf(`(async () => {
const first = await fetch(%[1]q + "/v1/policy")
const etag = first.headers.get("ETag")
const again = await fetch(%[1]q + "/v1/policy", {cache: "no-store", headers: {"If-None-Match": etag}})
const batch = await fetch(%[1]q + "/v1/batches", {method: "POST", keepalive: true, body: new Uint8Array([72, 71, 83]), headers: {
  "Content-Type": "application/vnd.heliograph.segment", "Accept": "application/vnd.heliograph.receipt",
  "Heliograph-Batch": "01c9c3806e0d4e119a5230b75c88f102", "Heliograph-Delivery": "oQEZG1g"}})
const receipt = new TextDecoder("latin1").decode(await batch.arrayBuffer())
const other = await fetch(%[1]q + "/v1/batches", {method: "POST", body: "x", headers: {"Content-Type": "text/plain"}})
const wrong = await fetch(%[1]q + "/v1/batches")
return [first.status, etag.length > 9, again.status, batch.status, receipt.slice(0, 3), other.status, wrong.status].join(" ")
})().catch(e => String(e))`, collector))
	if want := "200 true 304 400 HGR 415 405"; got != want {
		v.t.Errorf("got %s, want %s", got, want)
	}
}

// awaitReports returns the API's reports once all that are wanted are among them.
func awaitReports(t *testing.T, n *roles.Process, want map[string]bool) (rows []map[string]any) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		rows = getJSON(t, "http://"+n.DashboardAddr+"/api/v1/reports?since=15m&limit=1000")
		open := maps.Clone(want)
		var got []string
		for _, r := range rows {
			u, err := url.Parse(fmt.Sprint(r["url"]))
			if err != nil {
				t.Fatal(err)
			}
			f := fmt.Sprintf("%s %v %v", u.Path, r["type"], r["phase"])
			got = append(got, f)
			delete(open, f)
		}
		if len(open) == 0 {
			return rows
		}
		if time.Now().After(deadline) {
			slices.Sort(got)
			t.Fatalf("missing:\n%s\nthere are:\n%s", strings.Join(slices.Sorted(maps.Keys(open)), "\n"), strings.Join(slices.Compact(got), "\n"))
		}
	}
}

// checkReports: what is shown of a report is what browsers may tell.
func checkReports(t *testing.T, rows []map[string]any) {
	t.Helper()
	for _, r := range rows {
		if r["source"] != "browser" || r["app"] != "chrome" || r["version"] == "" || r["os"] != "linux" {
			t.Errorf("not a browser's: %v", r)
		}
		if u := fmt.Sprint(r["url"]); !strings.HasPrefix(u, fmt.Sprint(r["target"])+"/") || strings.ContainsAny(u, "?#") {
			t.Errorf("URL %s, target %v", u, r["target"])
		}
		switch text := fmt.Sprint(r["message"]); r["type"] {
		case "browser.csp.img_src":
			// The detector scrubs texts again, which gives every URL a path.
			if r["error_type"] != "img-src" || text != "blocked https://elsewhere.test/" {
				t.Errorf("violation %v", r)
			}
		case "browser.deprecation":
			if r["error_type"] != "XMLHttpRequestSynchronousInNonWorkerOutsideBeforeUnload" || !strings.HasPrefix(text, "Synchronous") || r["stack"] != "<anonymous> page:3" {
				t.Errorf("deprecation %v", r)
			}
		case "browser.intervention":
			if r["error_type"] != "NavigatorVibrate" || !strings.HasPrefix(text, "Blocked call to navigator.vibrate") {
				t.Errorf("intervention %v", r)
			}
		}
	}
}

// checkTotals: every outcome of a request is counted, and what is of pages is not.
func checkTotals(t *testing.T, n *roles.Process, rows []map[string]any) {
	t.Helper()
	failed := map[string]bool{}
	for _, r := range getJSON(t, "http://"+n.DashboardAddr+"/api/v1/totals?since=15m&by=type,source") {
		outcome := fmt.Sprint(r["type"])
		if strings.HasPrefix(outcome, "browser.") || r["source"] != "browser" {
			t.Errorf("row %v", r)
		}
		if count, _ := r["failed"].(float64); count > 0 {
			failed[outcome] = true
		}
	}
	for _, r := range rows {
		if outcome := fmt.Sprint(r["type"]); !strings.HasPrefix(outcome, "browser.") && !failed[outcome] {
			t.Errorf("%s has samples and is not in the totals %v", outcome, failed)
		}
	}
}

// awaitAnswered waits until requests that another address than the policy's answered count as such:
// without a status, for none is told.
func awaitAnswered(t *testing.T, n *roles.Process, target string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		rows := getJSON(t, "http://"+n.DashboardAddr+"/api/v1/totals?since=15m&by=type,target,status")
		for _, r := range rows {
			if ok, _ := r["ok"].(float64); ok > 0 && r["target"] == target && fmt.Sprint(r["status"]) == "0" {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no such request of %s in %v", target, rows)
		}
	}
}
