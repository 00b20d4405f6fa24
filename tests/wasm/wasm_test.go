// Package wasm holds that the agent's core also works where there is neither a disk nor a socket:
// it builds for browsers (js/wasm) and for WASI (wasip1), and its tests pass under Node.
package wasm

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

// core are the packages that go into a WASM build.
var core = []string{
	"./report/...", "./privacy/auth", "./privacy/bhttp", "./privacy/ohttp", "./privacy/policy", "./privacy/receipt", "./privacy/scrub", "./privacy/seal",
	"./internal/protocol/...", "./agent",
}

func TestCoreBuilds(t *testing.T) {
	readSources(t)
	for _, goos := range []string{"js", "wasip1"} {
		t.Run(goos, func(t *testing.T) {
			t.Parallel()
			run(t, goos, source.Root, append([]string{"build"}, core...)...)
		})
	}
}

// TestCoreUnderNode runs the core's own tests in a WASM machine, but for those that flip every bit
// of something, because the machine is slow and bits are the same everywhere.
func TestCoreUnderNode(t *testing.T) {
	t.Parallel()
	readSources(t)
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("this test runs WASM with Node: install Node 20 or newer")
	}
	wrapper := filepath.Join(goroot(t), "lib", "wasm", "go_js_wasm_exec")
	if _, err := os.Stat(wrapper); err != nil {
		t.Fatalf("Go's wrapper around Node is missing: %v", err)
	}
	args := []string{"test", "-skip", "EveryBit", "-timeout", "5m", "-exec", wrapper}
	out := run(t, "js", source.Root, append(args, core...)...)
	out += run(t, "js", filepath.Join(source.Root, "tests"), append(args, "./wire")...)
	for _, pkg := range []string{"report", "privacy/policy", "privacy/receipt", "privacy/scrub", "privacy/seal", "agent", "tests/wire"} {
		if !strings.Contains(out, "ok  \tgithub.com/heliograph-net/heliograph/"+pkg+"\t") {
			t.Errorf("no tests of %s passed:\n%s", pkg, out)
		}
	}
}

func readSources(t *testing.T) {
	t.Helper()
	if err := errors.Join(source.ReadCore(), source.Read("tests/wire/*.go")); err != nil {
		t.Fatal(err)
	}
}

// run runs the go command for WASM in dir and returns what it prints.
func run(t *testing.T, goos, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(goroot(t), "bin", "go"), args...)
	cmd.Dir = dir
	cmd.Env = append(environ(), "GOOS="+goos, "GOARCH=wasm", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s for %s/wasm: %v\n%s", strings.Join(args, " "), goos, err, out)
	}
	return string(out)
}

// environ is what the go command needs. Go's wrapper around Node gives up when the
// environment is long.
func environ() (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case name == "GOOS", name == "GOARCH", name == "GOFLAGS":
		case strings.HasPrefix(name, "GO"), name == "PATH", name == "HOME", name == "TMPDIR", name == "XDG_CACHE_HOME":
			env = append(env, v)
		}
	}
	return env
}

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT (%s): %v", runtime.Version(), err)
	}
	return strings.TrimSpace(string(out))
}
