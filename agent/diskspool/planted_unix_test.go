//go:build unix

package diskspool

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What others have planted in a spool's directory is neither followed nor waited for.
func TestPlantedFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	for path, text := range map[string]string{victim: "precious", filepath.Join(dir, "victim"): "precious"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"x.state.tmp": "victim", "y.state.tmp": victim, "z.state": "victim"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"p.state", "q.state.tmp"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range []string{"x", "y", "z", "p", "q"} {
			got, err := s.State(name, func(old []byte) []byte {
				if old != nil {
					t.Errorf("%s: read %q", name, old)
				}
				return []byte("mine")
			})
			if err != nil || string(got) != "mine" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		if _, err := s.List(); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the spool waits for a pipe")
	}
	for _, path := range []string{victim, filepath.Join(dir, "victim")} {
		if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
			t.Errorf("%s has %q, %v", path, b, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, lockDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, lockDir)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.State("x", func([]byte) []byte { return []byte("more") }); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("with a link for a lock: %v", err)
	}
}

// A directory that others can write to is closed to them, or refused when many share it.
func TestDirectoryIsClosedToOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	state := func() error {
		s, err := Open(dir, Options{})
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.State("x", func([]byte) []byte { return []byte("x") })
		return err
	}
	if err := state(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v; want 0755", info.Mode(), err)
	}
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := state(); err == nil || !strings.Contains(err.Error(), "others can write") {
		t.Errorf("a directory that many share: %v", err)
	}
}
