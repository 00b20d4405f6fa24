package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// A damaged store prevents the process from starting, and the error names the remedy. Repair
// rebuilds the store and keeps the damaged file. Its exit code tells whether something was lost.
func TestRepair(t *testing.T) {
	dir := newDir(t)
	start := func() error {
		c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
		if err != nil {
			t.Fatal(err)
		}
		c.Collector.Listen, c.Dashboard.Listen, c.Operations.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
		p, err := roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		return p.Close()
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := invoke(t, "repair", dir); code != 0 || strings.Count(stdout, "is whole") != 2 {
		t.Errorf("whole files: exit %d\n%s", code, stdout)
	}
	for _, name := range []string{"inbox.db", "store.db"} {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(bytes.Repeat([]byte{7}, 100), b[100:]...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := start(); err == nil || !strings.Contains(err.Error(), "heliograph repair DIR") {
			t.Errorf("a damaged %s: %v, want the remedy", name, err)
		}
		code, stdout, stderr := invoke(t, "repair", dir)
		if code != 0 || !strings.Contains(stdout, name+" was damaged and is rebuilt") || !strings.Contains(stdout, "the first page was lost") {
			t.Errorf("repairing %s: exit %d\n%s%s", name, code, stdout, stderr)
		}
		if aside, _ := filepath.Glob(path + ".damaged-*"); len(aside) == 0 {
			t.Errorf("kept aside: %v", aside)
		}
		if err := start(); err != nil {
			t.Errorf("after the repair: %v", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "inbox.db"), bytes.Repeat([]byte("lost"), 9000), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := invoke(t, "repair", dir); code != 1 || !strings.Contains(stderr, "nothing of ") {
		t.Errorf("nothing is left: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr := invoke(t, "repair", t.TempDir()); code != 1 || !strings.Contains(stderr, "neither an inbox nor a store") {
		t.Errorf("an empty directory: exit %d, %q", code, stderr)
	}
}
