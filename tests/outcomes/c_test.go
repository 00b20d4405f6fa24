package outcomes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/tests/faults"
	"github.com/heliograph-net/heliograph/tests/source"
)

// TestC: libcurl with the C library, by the table of docs/c.md.
func TestC(t *testing.T) {
	dir := t.TempDir()
	if err := source.Read("cmd/libheliograph/*.*", "agent/*.go"); err != nil {
		t.Fatal(err)
	}
	command(t, source.Root, "go", "build", "-trimpath", "-buildmode=c-shared", "-o", filepath.Join(dir, "libheliograph.so"), "./cmd/libheliograph")
	program := filepath.Join(dir, "curl")
	command(t, ".", "gcc", "-std=c99", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I"+filepath.Join(source.Root, "cmd/libheliograph"),
		"testdata/curl.c", "-o", program, "-L"+dir, "-lheliograph", "-lcurl", "-Wl,-rpath,"+dir)

	operator := agenttest.For(t)
	if _, err := operator.Listen(); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "policy")
	if err := os.WriteFile(policy, operator.Policy(), 0o600); err != nil {
		t.Fatal(err)
	}
	servers := faults.Start(t)
	args := []string{policy, filepath.Join(dir, "spool"), servers.Authority}
	for _, f := range servers.Faults {
		args = append(args, f.URL, strconv.Itoa(int(f.Patience().Seconds())))
	}
	t.Logf("%s", command(t, ".", program, args...))
	servers.Check(t, "C", faults.Seen{"libcurl": counted(t, operator, servers)})
}

// command runs a program and returns what it prints.
func command(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return out
}
