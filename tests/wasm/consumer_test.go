package wasm

import (
	"archive/zip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

const (
	consumed = "github.com/heliograph-net/heliograph"
	version  = "v0.1.0"
)

var guideAssets = regexp.MustCompile("(?s)```go\n// assets\\.go\n(.*?)```")

// consumerMain asks for what a page asks for.
const consumerMain = `package main

import (
	"fmt"
	"net/http/httptest"
)

func main() {
	h, err := assets()
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"heliograph.js", "heliograph.worker.js", "heliograph.wasm"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/heliograph/"+name, nil))
		fmt.Println(name, w.Code, w.Header().Get("Content-Type"), w.Body.Len() > 5000)
	}
}
`

// An application whose module has this one from a proxy, as docs/browser.md tells, serves the
// browser's agent. Building it writes nothing into the module cache.
func TestApplicationBuildsAndServesTheBrowsersAgent(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(source.Path("docs/browser.md"))
	if err != nil {
		t.Fatal(err)
	}
	sample := guideAssets.FindSubmatch(guide)
	if sample == nil {
		t.Fatal("the guide has no assets.go")
	}
	app := newConsumer(t)
	app.write("go.mod", "module shop\n\ngo 1.26.0\n")
	app.run("get", consumed+"@"+version)
	app.run("run", consumed+"/wasm/build", "heliograph")
	app.write("assets.go", string(sample[1]))
	app.write("main.go", consumerMain)
	app.run("mod", "tidy")
	const want = `heliograph.js 200 text/javascript; charset=utf-8 true
heliograph.worker.js 200 text/javascript; charset=utf-8 true
heliograph.wasm 200 application/wasm true
`
	if got := app.run("run", "."); got != want {
		t.Errorf("the application serves\n%s", got)
	}
	if got := app.run("mod", "verify"); got != "all modules verified\n" {
		t.Errorf("the module cache is no longer what was downloaded: %s", got)
	}
}

// consumer is an application's module, with a module cache of its own.
type consumer struct {
	t    *testing.T
	dir  string
	vars []string
}

// newConsumer makes one that gets this module, as the repository has it, from a proxy of files, and
// what that requires from this machine's module cache.
func newConsumer(t *testing.T) *consumer {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	proxy := t.TempDir()
	writeModule(t, filepath.Join(proxy, filepath.FromSlash(consumed), "@v"))
	modules := t.TempDir()
	c := &consumer{t: t, dir: t.TempDir(), vars: append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOSUMDB=off", "GOMODCACHE="+modules,
		"GOPROXY=file://"+filepath.ToSlash(proxy)+",file://"+filepath.ToSlash(strings.TrimSpace(string(cache)))+"/cache/download")}
	t.Cleanup(func() { c.run("clean", "-modcache") }) // which is read-only
	return c
}

func (c *consumer) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// run runs the go command and returns what it prints to standard output.
func (c *consumer) run(args ...string) string {
	c.t.Helper()
	var errs strings.Builder
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = c.dir, c.vars, &errs
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// writeModule writes the files with which a proxy offers one version of a module.
func writeModule(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(source.Path("go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"list": []byte(version + "\n"), version + ".mod": mod, version + ".info": fmt.Appendf(nil, `{"Version": %q, "Time": "2026-01-01T00:00:00Z"}`, version),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, name := range moduleFiles(t) {
		b, err := os.ReadFile(source.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(consumed + "@" + version + "/" + name)
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// moduleFiles are what the repository has of the module: all but what is ignored and the modules
// below it.
func moduleFiles(t *testing.T) (files []string) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = source.Root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	all := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	var below []string // directories of other modules
	for _, name := range all {
		if dir, ok := strings.CutSuffix(name, "/go.mod"); ok {
			below = append(below, dir+"/")
		}
	}
	for _, name := range all {
		info, err := os.Lstat(source.Path(name))
		other := slices.ContainsFunc(below, func(dir string) bool { return strings.HasPrefix(name, dir) })
		if err == nil && info.Mode().IsRegular() && !other {
			files = append(files, name)
		}
	}
	if slices.Contains(files, "wasm/dist/heliograph.wasm.gz") || !slices.Contains(files, "wasm/dist/heliograph.js") {
		t.Fatalf("%d files are not what the repository has", len(files))
	}
	return files
}
