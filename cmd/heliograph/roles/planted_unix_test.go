//go:build unix

package roles

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/keyfile"
)

// A pipe in the place of a key or a policy is an error, not a process that hangs.
func TestPipesAreNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "key.pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("key.pem", filepath.Join(dir, "link.pem")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"key.pem", "link.pem", "."} {
		if _, err := readKey(dir, name, keyfile.ParseSigningKey); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LoadRelay(filepath.Join(dir, "key.pem")); err == nil {
		t.Error("a configuration was read from a pipe")
	}
}
