// Package promises checks that every promise of docs/promises.md names tests that exist.
package promises

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

var (
	inPackage = regexp.MustCompile("`([a-z0-9/]+)` ((?:(?:Test|Fuzz)[A-Za-z0-9]+(?:, )?)+)")
	function  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9]+)\(`)
)

func TestPromisesHaveTheirTests(t *testing.T) {
	text, err := os.ReadFile(source.Path("docs/promises.md"))
	if err != nil {
		t.Fatal(err)
	}
	promises := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| promise ") {
			continue
		}
		promises++
		tests := line[strings.LastIndex(strings.TrimSuffix(line, " |\n"), "| "):]
		named := inPackage.FindAllStringSubmatch(tests, -1)
		if len(named) == 0 || len(named) != strings.Count(tests, ";")+1 {
			t.Errorf("the tests of this promise cannot be read: %s", line)
		}
		for _, n := range named {
			there := functions(t, n[1])
			for name := range strings.SplitSeq(n[2], ", ") {
				if !there[name] {
					t.Errorf("%s has no %s, which is to hold: %s", n[1], name, line)
				}
			}
		}
	}
	if promises < 30 {
		t.Errorf("%d promises are read", promises)
	}
}

// functions returns the tests of a package.
func functions(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(source.Path(dir + "/*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests, %v", dir, err)
	}
	there := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range function.FindAllStringSubmatch(string(text), -1) {
			there[f[1]] = true
		}
	}
	return there
}
