package alerts

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
)

const processConfig = `
collector: {listen: "127.0.0.1:0"}
dashboard: {listen: "127.0.0.1:0"}
operations: {listen: "127.0.0.1:0"}
detector: {bin: 1s, grace: 1s}
alerts:
  receivers:
    - {name: hook, kind: webhook, url: %q, secret_file: hook, watchdog: 10m}
%s`

// TestProcess: a whole process tells of what its store has, and a receiver that a reload has
// brought is told too.
func TestProcess(t *testing.T) {
	first, second := newHook(t, true), newHook(t, false)
	dir := filepath.Join(t.TempDir(), "data")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := roles.Init(dir, roles.InitOptions{Config: fmt.Appendf(nil, processConfig, first.url, "")}); err != nil {
		t.Fatal(err)
	}
	write("hook", secret)
	state, err := sqlitestore.OpenState(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	save(t, state, model.Opened, incident(1, model.DNS))
	if err := state.Close(); err != nil {
		t.Fatal(err)
	}

	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	hangup := make(chan os.Signal)
	p, err := roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Hangup: hangup,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	until(t, "the incident and the watchdog", func() bool { return len(first.all()["1 firing"]) == 1 && len(first.all()[" firing"]) == 1 })
	write(roles.ConfigName, fmt.Sprintf(processConfig, first.url, fmt.Sprintf("    - {name: second, kind: webhook, url: %q}\n", second.url)))
	hangup <- syscall.SIGHUP
	until(t, "what the reload has brought", func() bool { return len(second.all()) > 0 })
}
