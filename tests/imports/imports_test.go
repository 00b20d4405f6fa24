// Package imports holds the import table of docs/architecture.md, which it reads there.
package imports

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

const module = "github.com/heliograph-net/heliograph"

// vocabulary are the packages that those above them import: what lies below all of a tree is no
// adapter.
var vocabulary = []string{"report/cbor", "prober/probe", "prober/maintenance", "detector/judgement", "detector/shown", "detector/vantages", "dashboards/api", "dashboards/access"}

// stdlibOnly are the trees without any dependency outside the standard library.
var stdlibOnly = []string{"report", "heatmap", "privacy"}

// light are the packages that go into WASM: nothing in them, nor in what they import, may
// pull these in.
var light = []string{"report", "privacy", "privacy/auth", "privacy/bhttp", "privacy/ohttp", "privacy/policy", "privacy/receipt",
	"privacy/scrub", "privacy/seal", "internal/netaddr", "internal/protocol", "agent", "agent/oblivious"}
var heavy = []string{"net/http", "encoding/json", "log/slog", "net/url"}

func TestImportTable(t *testing.T) {
	root := source.Path("")
	allowed := table(t, root)
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); name != root && (strings.HasPrefix(n, ".") || n == "node_modules" || n == "bin" || n == "testdata" || hasOwnModule(name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		check(t, allowed, root, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("walked %d files only: the test looks at the wrong place", files)
	}
}

// table reads the document: by tree, which trees of this module its non-test files may import
// besides their own. The tree * stands for all.
func table(t *testing.T, root string) map[string][]string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rows, found := strings.Cut(string(doc), "| tree | may import |\n|---|---|\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	if !found {
		t.Fatal("docs/architecture.md has no table of imports")
	}
	allowed := map[string][]string{}
	for row := range strings.SplitSeq(rows, "\n") {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		trees := code.FindAllString(row, -1)
		if len(cells) != 2 || len(trees) == 0 || cells[0] != trees[0] {
			t.Fatalf("the table of imports has the row %q", row)
		}
		may := trees[1:]
		switch rest := strings.Join(may, ", "); cells[1] {
		case "everything":
			may = []string{"`*`"}
		case "nothing", rest:
		default:
			t.Fatalf("the table of imports says %q, which is no list of trees", cells[1])
		}
		tree := strings.Trim(trees[0], "`")
		if info, err := os.Stat(filepath.Join(root, tree)); err != nil || !info.IsDir() {
			t.Errorf("the table of imports has a tree %q, which is not there", tree)
		}
		for _, m := range may {
			allowed[tree] = append(allowed[tree], strings.Trim(m, "`"))
		}
		if len(may) == 0 {
			allowed[tree] = nil
		}
	}
	return allowed
}

var code = regexp.MustCompile("`[a-z]+`")

func check(t *testing.T, allowed map[string][]string, root, rel string) {
	tree, _, _ := strings.Cut(rel, "/")
	may, known := allowed[tree]
	if !known {
		t.Errorf("%s: the tree %q is not in the import table", rel, tree)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, rel), nil, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%s: %v", rel, err)
		return
	}
	for _, spec := range f.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if own, ok := strings.CutPrefix(imported, module+"/"); ok {
			to, _, _ := strings.Cut(own, "/")
			if to != tree && !slices.Contains(may, to) && !slices.Contains(may, "*") {
				t.Errorf("%s imports %s: %s may import %v of this module only", rel, imported, tree, may)
			}
			if below := to == tree && path.Dir(rel) == tree; below && !slices.Contains(vocabulary, own) {
				t.Errorf("%s imports its own adapter %s", rel, imported)
			}
			continue
		}
		if host, _, _ := strings.Cut(imported, "/"); strings.Contains(host, ".") && slices.Contains(stdlibOnly, tree) {
			t.Errorf("%s imports %s: %s is built on the standard library alone", rel, imported, tree)
		}
	}
}

// TestLightPackages asks the go command for everything that ends up in a WASM build of the
// agent's core.
func TestLightPackages(t *testing.T) {
	for _, pkg := range light {
		cmd := exec.Command("go", "list", "-deps", module+"/"+pkg)
		cmd.Dir = source.Root
		cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", pkg, err)
		}
		deps := strings.Fields(string(out))
		if !slices.Contains(deps, module+"/"+pkg) {
			t.Fatalf("go list -deps %s lists %d packages and not itself: it cannot be right", pkg, len(deps))
		}
		for _, bad := range heavy {
			if slices.Contains(deps, bad) {
				t.Errorf("%s pulls in %s, which makes it too large for browsers", pkg, bad)
			}
		}
	}
}

func hasOwnModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil && filepath.Base(filepath.Dir(dir)) == "tests"
}
