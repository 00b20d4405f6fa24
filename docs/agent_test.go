package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/agent/agenttest"
)

var codeBlock = regexp.MustCompile("(?s)```go\n// ([a-z_]+\\.go)\n(.*?)```")

// TestAgentProgram builds the program that agent.md shows, in a module of its own as an application
// has it, and runs its tests.
func TestAgentProgram(t *testing.T) {
	root, err := filepath.Abs("..")
	must(t, err)
	doc, err := os.ReadFile("agent.md")
	must(t, err)
	dir := t.TempDir()
	write := func(name string, b []byte) { must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600)) }
	blocks := codeBlock.FindAllSubmatch(doc, -1)
	if len(blocks) != 4 || strings.Count(string(doc), "```go") != len(blocks) {
		t.Fatalf("%d files in %d blocks of Go, want 4", len(blocks), strings.Count(string(doc), "```go"))
	}
	for _, b := range blocks {
		write(string(b[1]), b[2])
	}
	op := agenttest.For(t)
	write("policy", op.Policy())
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	must(t, err)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	must(t, err)
	const module = "github.com/heliograph-net/heliograph"
	// of the same versions, without asking anybody
	_, requirements, _ := strings.Cut(string(mod), "\n")
	write("go.mod", []byte("module shop\n"+requirements+"\nrequire "+module+" v0.0.0\nreplace "+module+" => "+root+"\n"))
	write("go.sum", sum)
	sources, err := filepath.Glob(filepath.Join(root, "agent", "*", "*.go"))
	must(t, err)
	// so that the cached result of this test does not outlive a change in what the program imports
	for _, name := range sources {
		_, err := os.ReadFile(name)
		must(t, err)
	}

	for _, args := range [][]string{{"vet", "."}, {"test", "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off",
			"XDG_CONFIG_HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "GOCACHE="+goCache(t))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	formatted, err := exec.Command("gofmt", "-l", dir).Output()
	must(t, err)
	if len(formatted) > 0 {
		t.Errorf("gofmt would change %s", formatted)
	}
}

func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
