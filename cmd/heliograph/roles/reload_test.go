package roles

import (
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
)

func awaitLog(t *testing.T, log *syncbuffer.Buffer, text string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		s := log.String()
		if strings.Contains(s, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q is not in the log:\n%s", text, s)
		}
	}
}

// On SIGHUP the process reads configuration, keys, policy and networks again. If something is wrong
// with them, the old ones stay in use.
func TestHangupReloads(t *testing.T) {
	dir := t.TempDir()
	config := "collector:\n  listen: 127.0.0.1:0\noperations:\n  listen: 127.0.0.1:0\nnetworks: networks.tsv\n"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("networks.tsv", "127.0.0.0\t127.0.0.255\t64501\tDE\n")
	if err := Init(dir, InitOptions{Config: []byte(config)}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	var log syncbuffer.Buffer
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	n, err := New(t.Context(), Options{Config: c, Roles: Roles{Collector: true}, Logger: slog.New(slog.NewTextHandler(&log, nil)), Hangup: hangups})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	hangup := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	readers := func() int {
		t.Helper()
		s, err := n.inbox.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(s.Readers)
	}
	if got := readers(); got != 1 {
		t.Errorf("%d readers, want the one detector", got)
	}
	write(ConfigName, strings.Replace(config, "operations:", "  feed_keys: [keys/feed.pub.pem, keys/policy.pub.pem]\noperations:", 1))
	hangup()
	awaitLog(t, &log, "reloaded what=collector")
	if got := readers(); got != 2 {
		t.Errorf("%d readers, want a second detector", got)
	}
	write(ConfigName, strings.Replace(config, "operations:", "  trusted_proxies: [everyone]\noperations:", 1))
	hangup()
	awaitLog(t, &log, "trusted_proxies[0]")
	if got := readers(); got != 2 {
		t.Errorf("%d readers after a faulty configuration, want the two from before", got)
	}
	awaitReady(t, n, func(body string) bool {
		return strings.Contains(body, "warning: reloading failed") && strings.Contains(body, "trusted_proxies")
	})
	metrics := get(t, "http://"+n.OperationsAddr+"/metrics")
	for _, want := range []string{`heliograph_reload_last_successful{what="configuration"} 0`, `heliograph_reloads_total{result="failed",what="configuration"} 1`,
		`heliograph_reload_last_successful{what="collector"} 1`, `heliograph_reload_last_success_timestamp_seconds{what="networks"}`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	write(ConfigName, config)
	write("networks.tsv", "")
	hangup()
	awaitReady(t, n, func(body string) bool {
		return strings.Contains(body, "networks.tsv: it has no networks") && !strings.Contains(body, "trusted_proxies")
	})
	write("networks.tsv", "127.0.0.0\t127.0.0.255\t64501\tDE\n")
	hangup()
	awaitReady(t, n, func(body string) bool { return strings.Contains(body, `"reload":"ok"`) })
}

// awaitReady waits until what /health/ready says is as wanted.
func awaitReady(t *testing.T, p *Process, wanted func(body string) bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		body := get(t, "http://"+p.OperationsAddr+"/health/ready")
		if wanted(body) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("/health/ready says %s", body)
		}
	}
}
