package roles

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// TestStatusPage: a process with a status page serves it to everybody on a listener of its own,
// without a way to anything else, and writes its files.
func TestStatusPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	config := `collector: {listen: "127.0.0.1:0"}
dashboard: {listen: "127.0.0.1:0"}
operations: {listen: "127.0.0.1:0"}
status: {listen: "127.0.0.1:0", out: public, url: "https://status.example", title: Example, services: [{name: Shop, targets: ["https://shop.example"]}]}
`
	p := running(t, dir, config)
	var resp *http.Response
	var body []byte
	var err error
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if resp, err = http.Get("http://" + p.StatusAddr + "/"); err != nil {
			t.Fatal(err)
		}
		body, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK || time.Now().After(deadline) {
			break
		}
	}
	if !strings.Contains(string(body), "<h1>Example</h1>") || !strings.Contains(string(body), "Shop") {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || len(resp.Cookies()) != 0 {
		t.Errorf("%v", resp.Header)
	}
	for path, want := range map[string]int{"/feed.xml": 200, "/style.css": 200, "/status.json": 200, "/api/v1/now": 404, "/../heliograph.yaml": 404, "/app.js": 404} {
		resp, err := http.Get("http://" + p.StatusAddr + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
	}
	resp, err = http.Post("http://"+p.StatusAddr+"/", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err = os.Stat(filepath.Join(dir, "public", "index.html")); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// running runs a collector and a detector with a configuration until the test ends. Their data is
// in dir, which is made.
func running(t *testing.T, dir, config string) *Process {
	t.Helper()
	if err := Init(dir, InitOptions{Config: []byte(config)}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), Options{Config: c, Roles: Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	t.Cleanup(func() { _ = stop() })
	return p
}
