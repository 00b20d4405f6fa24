// Package browser tests with a real headless Chromium.
package browser

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
)

// chromium starts a headless browser with a home of its own that trusts ca, and more flags.
func chromium(t *testing.T, ca *devca.CA, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run tests/setup.sh", err)
	}
	home := t.TempDir()
	db := "sql:" + filepath.Join(home, ".pki", "nssdb")
	authority := filepath.Join(home, "ca.pem")
	if err := os.MkdirAll(filepath.Join(home, ".pki", "nssdb"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(authority, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", "C,,", "-n", "test", "-i", authority}} {
		if out, err := exec.Command("certutil", append([]string{"-d", db}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v: %s: run tests/setup.sh", args, err, out)
		}
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Env("HOME=" + home), chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
	}, flags...)
	ctx, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancelAllocator)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // not earlier: it would bound the browser's life instead
	t.Cleanup(cancel)
	return ctx
}

// collectorNode runs all roles with a collector that a browser accepts: TLS, by name.
func collectorNode(t *testing.T, ca *devca.CA, name, address string) (n *roles.Node, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "d")
	config := fmt.Sprintf(`collector: {listen: "%s:0", tls_cert: cert.pem, tls_key: key.pem}
dashboard: {listen: "127.0.0.1:0"}
operations: {listen: "127.0.0.1:0"}
`, address)
	if err := roles.Init(dir, roles.InitOptions{Config: []byte(config)}); err != nil {
		t.Fatal(err)
	}
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
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	var logs bytes.Buffer
	n, err = roles.Start(t.Context(), c, roles.Roles{Collector: true, Detector: true}, slog.New(slog.NewJSONHandler(&logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if strings.Contains(logs.String(), "secret") {
			t.Errorf("the log holds the query: %s", logs.String())
		}
	})
	return n, dir
}

// TestNetworkErrorLogging: a page's service sends the two headers, then its server stops while the page goes on asking. Chromium's reports
// must be in the totals, as a population of their own, and the query string nowhere.
func TestNetworkErrorLogging(t *testing.T) {
	ca, err := devca.New("Browser test authority")
	if err != nil {
		t.Fatal(err)
	}
	node, dir := collectorNode(t, ca, "collect.test", "127.0.0.2")
	_, collectorPort, err := net.SplitHostPort(node.CollectorAddr)
	if err != nil {
		t.Fatal(err)
	}
	shop := shopServer(t, ca, fmt.Sprintf("https://collect.test:%s/v1/reports", collectorPort))
	_, shopPort, err := net.SplitHostPort(shop.Addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca, chromedp.Flag("short-reporting-delay", true),
		chromedp.Flag("host-resolver-rules", "MAP shop.test 127.0.0.1,MAP collect.test 127.0.0.2"))
	base := "https://shop.test:" + shopPort
	ask := chromedp.Evaluate[int](`fetch('/api?x=secret').then(r => r.status, () => 0)`, chromedp.EvalAwaitPromise)
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"/")); err != nil {
		t.Fatal(err)
	}
	for range 10 { // nine in ten are reported: all but surely one of them
		if status, err := chromedp.Run(ctx, ask); err != nil || status != 200 {
			t.Fatalf("with the server up: status %d, %v", status, err)
		}
	}
	if err := shop.Close(); err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	deadline := time.Now().Add(30 * time.Second)
	for {
		if status, err := chromedp.Run(ctx, ask); err != nil || status != 0 {
			t.Fatalf("with the server stopped: status %d, %v", status, err)
		}
		rows = getJSON(t, "http://"+node.DashboardAddr+"/api/v1/totals?since=15m&by=type,source,target,app")
		if has(rows, "tcp.refused", "failed") && has(rows, "ok", "ok") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("30 s after the server stopped the totals are %v", rows)
		}
		time.Sleep(200 * time.Millisecond)
	}
	for _, r := range rows {
		if r["source"] != "browser" || r["target"] != base {
			t.Errorf("row %v: want source browser and target %s", r, base)
		}
	}
	for _, r := range getJSON(t, "http://"+node.DashboardAddr+"/api/v1/reports?since=15m") {
		if url := fmt.Sprint(r["url"]); !strings.HasPrefix(url, base+"/") || strings.Contains(url, "?") {
			t.Errorf("sample with URL %q", url)
		}
	}
	assertNowhere(t, dir, "secret")
}

// shopServer serves a page and its API under shop.test with NEL switched on.
func shopServer(t *testing.T, ca *devca.CA, reports string) *http.Server {
	t.Helper()
	cert, err := ca.Issue(time.Now().Add(time.Hour), "shop.test")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Addr: ln.Addr().String(), TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Report-To", fmt.Sprintf(`{"group":"nel","max_age":3600,"endpoints":[{"url":%q}]}`, reports))
			w.Header().Set("NEL", `{"report_to":"nel","max_age":3600,"success_fraction":0.9,"failure_fraction":1.0}`)
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>Shop</title>")
		})}
	go func() { _ = s.ServeTLS(ln, "", "") }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func has(rows []map[string]any, outcome, column string) bool {
	for _, r := range rows {
		if n, _ := r[column].(float64); r["type"] == outcome && n > 0 {
			return true
		}
	}
	return false
}

func getJSON(t *testing.T, url string) (rows []map[string]any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&rows); err != nil {
		t.Fatalf("%s: %s: %v", url, resp.Status, err)
	}
	return rows
}

// assertNowhere looks for a string in every file below dir.
func assertNowhere(t *testing.T, dir, needle string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(needle)) {
			t.Errorf("%q is in %s", needle, path)
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("looked at %d files below %s: %v", files, dir, err)
	}
}
