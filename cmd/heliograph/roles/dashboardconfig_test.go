package roles

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
)

// A dashboard that listens elsewhere than on loopback does not start without a login, whatever the
// configuration comes from; with one it answers nobody else, and a reload changes who is known.
func TestDashboardIsOpenToNobody(t *testing.T) {
	hash, err := access.Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "d")
	write := func(dashboard string) {
		t.Helper()
		text := fmt.Appendf(nil, "collector: {listen: \"127.0.0.1:0\"}\ndashboard: {%s}\noperations: {listen: \"127.0.0.1:0\"}\n", dashboard)
		if err := os.WriteFile(filepath.Join(dir, ConfigName), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Init(dir, InitOptions{}); err != nil {
		t.Fatal(err)
	}
	write(`listen: "0.0.0.0:0"`)
	if _, err := Load(filepath.Join(dir, ConfigName)); err == nil || !strings.Contains(err.Error(), "open to everybody") {
		t.Fatalf("without a login: %v", err)
	}
	write(fmt.Sprintf("listen: %q, users: [{name: ada, role: operator, password: %q}]", "127.0.0.1:0", hash))
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	open := *c
	open.Dashboard.Listen, open.Dashboard.Users = "0.0.0.0:0", nil
	if _, err := New(t.Context(), Options{Config: &open, Roles: Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Fatal("a process starts without a login")
	}
	var log syncbuffer.Buffer
	p, err := New(t.Context(), Options{Config: c, Roles: Roles{Collector: true, Detector: true}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	t.Cleanup(func() { _ = stop() })
	for path, want := range map[string]int{"/api/v1/now": 401, "/app.js": 401, "/": 401, "/style.css": 200} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+p.DashboardAddr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	if _, err := reloadDashboard(c, nil, nil); err == nil || !strings.Contains(err.Error(), "restart") {
		t.Errorf("a login where there was none: %v", err)
	}
	if strings.Contains(log.String(), hash) {
		t.Error("the log has a hash")
	}
}

// The country of a vantage is two capital letters, for the map of the world.
func TestCountriesOfVantages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	for country, fault := range map[string]string{"DE": "", "Germany": "dashboard.vantages", "de": "dashboard.vantages", "": "dashboard.vantages"} {
		config := fmt.Sprintf("dashboard: {listen: \"127.0.0.1:0\", vantages: {home: %q}}\n", country)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(filepath.Join(dir, ConfigName))
		if told := err != nil && strings.Contains(err.Error(), "dashboard.vantages"); told != (fault != "") {
			t.Errorf("%q: %v", country, err)
		}
	}
}
