package dist

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/tests/source"
)

// fences are what docs/release.md says to type. Each is typed in one shell.
var fences = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// release types all of docs/release.md in a copy of the source, and returns the directory of what
// was built.
func release(t *testing.T, from string) (dir string) {
	t.Helper()
	out := typed(t, from, "")
	if !strings.Contains(out, "verified") {
		t.Errorf("the demonstration of what was built is not verified:\n%s", out)
	}
	// of the installation of 0.1.0, whose detector had not read it all
	if !strings.Contains(out, "incident 2, over, 2026-11-29 18:07:40 UTC") {
		t.Errorf("the data of 0.1.0 has lost its incidents:\n%s", out)
	}
	return filepath.Join(from, "dist")
}

// build types what makes the same release from another copy.
func build(t *testing.T, from string) (dir string) {
	t.Helper()
	typed(t, from, `^(sed|SIGN_KEY)`)
	return filepath.Join(from, "dist")
}

// typed types the fences of docs/release.md that begin with a pattern, and returns what they print.
func typed(t *testing.T, from, begin string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(source.Root, "docs/release.md"))
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	run(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release@heliograph.test", "-f", key)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "signers"), append([]byte("release@heliograph.test "), public...), 0o600); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, fence := range fences.FindAllStringSubmatch(string(page), -1) {
		if regexp.MustCompile(begin).MatchString(fence[1]) {
			all += script(t, from, strings.ReplaceAll(fence[1], "~/.ssh/release", key))
		}
	}
	return all
}

// script runs lines in a shell, which ends with the first that fails, and with all that it has
// started.
func script(t *testing.T, dir, lines string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euc", lines)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ARCHES=amd64 arm64", "CLIENTS=linux/amd64", "SOURCE_DATE_EPOCH=1790000000", "GOWORK=off")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	if err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it has left behind, if anything
		t.Fatalf("%s: %v\n%s", lines, err, out)
	}
	return string(out)
}
