package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/agent/agenttest"
)

var codeBlock = regexp.MustCompile("(?s)```go\n// ([a-z_]+\\.go)\n(.*?)```")

const module = "github.com/heliograph-net/heliograph"

// TestAgentProgram builds the program that agent.md shows, in a module of its own as an application
// has it, runs its tests, and looks at what it brought along.
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
	// tidy finds the sums here, without asking anybody, and drops the others
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	must(t, err)
	write("go.sum", sum)
	write("go.mod", []byte("module shop\n\ngo 1.26.0\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n"))
	sources, err := filepath.Glob(filepath.Join(root, "agent", "*", "*.go"))
	must(t, err)
	sources = append(sources, filepath.Join(root, "go.mod"))
	// so that the cached result of this test does not outlive a change in what the program imports
	for _, name := range sources {
		_, err := os.ReadFile(name)
		must(t, err)
	}

	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off",
			"XDG_CONFIG_HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "GOCACHE="+goCache(t))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("mod", "tidy")
	run("vet", ".")
	run("test", ".")
	runsWithoutAgent(t, dir)
	checkModules(t, string(doc), dir, run("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))
	formatted, err := exec.Command("gofmt", "-l", dir).Output()
	must(t, err)
	if len(formatted) > 0 {
		t.Errorf("gofmt would change %s", formatted)
	}
}

// runsWithoutAgent starts the program where there is no home directory: it does its work all the
// same, and says why it reports nothing.
func runsWithoutAgent(t *testing.T, dir string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "shop")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off", "GOCACHE="+goCache(t))
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	shop := exec.CommandContext(t.Context(), program)
	shop.Dir = t.TempDir()
	shop.Env = []string{"HTTPS_PROXY=http://127.0.0.1:9"} // its one request is refused at once
	out, err = shop.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "no reports:") || !strings.Contains(string(out), "proxyconnect") {
		t.Errorf("%v\n%s; want that it says why it reports nothing, and tries its request", err, out)
	}
	if left, _ := os.ReadDir(shop.Dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// checkModules holds what agent.md says that an application takes on: in go.mod and go.sum, and, as
// linked has the module of each package, in the program.
func checkModules(t *testing.T, doc, dir, linked string) {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	must(t, err)
	_, says, _ := strings.Cut(doc, "```\n// go.mod\n")
	says, _, _ = strings.Cut(says, "```")
	says = strings.Replace(says, " v0.1.0", " v0.0.0", 1)
	if _, requires, _ := strings.Cut(string(mod), "go 1.26.0\n\n"); !strings.HasPrefix(requires, says+"\nreplace ") || says == "" {
		t.Errorf("go mod tidy leaves\n%s\nwant the requirements\n%s", mod, says)
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	must(t, err)
	if says := fmt.Sprintf("%d lines to go.sum", strings.Count(string(sum), "\n")); !strings.Contains(doc, says) {
		t.Errorf("agent.md does not say %q, but go.sum has\n%s", says, sum)
	}
	modules := strings.Fields(linked)
	slices.Sort(modules)
	if want := []string{"github.com/cenkalti/backoff/v4", module, "shop"}; !slices.Equal(slices.Compact(modules), want) {
		t.Errorf("the program links packages of %v, want %v", modules, want)
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
