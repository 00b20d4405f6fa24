// Package guide types what a page of the documentation says, in a fresh copy of the repository.
// Start with [Type].
package guide

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

// fences are the blocks of a page that are typed: commands, and programs, whose first line is a
// comment with the file's name.
var fences = regexp.MustCompile("(?ms)^```(sh|js|python)\n(?:(?://|#) (\\S+)\n)?(.*?)^```$")

// Type types the commands and saves the programs of a page, such as "docs/node.md", where nobody
// else has its ports. It waits for what starts in the background to answer, and for a query to find
// found. It returns what was printed.
func Type(t *testing.T, page, found string) string {
	t.Helper()
	dir := t.TempDir()
	clone := exec.CommandContext(t.Context(), "bash", "-c", `git ls-files -z --cached --others --exclude-standard | xargs -0 cp -P --parents -t "$0"`, dir)
	clone.Dir = source.Root
	if out, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("copying the repository: %v: %s", err, out)
	}
	text, err := os.ReadFile(source.Path(page))
	if err != nil {
		t.Fatal(err)
	}
	// the limit is for what hangs; a busy machine takes minutes to build
	cmd := exec.CommandContext(t.Context(), "timeout", "900", "bash", "-c", script(string(text), found))
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "GOCACHE="+goCache(t), "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// script returns what is typed, for bash.
func script(text, found string) string {
	script := "set -e\ntrap 'kill %1' EXIT\n"
	for _, fence := range fences.FindAllStringSubmatch(text, -1) {
		if fence[1] != "sh" {
			if fence[2] != "" {
				script += fmt.Sprintf("cat >%s <<'PROGRAM'\n%sPROGRAM\n", fence[2], fence[3])
			}
			continue
		}
		for line := range strings.Lines(fence[3]) {
			switch {
			case strings.HasSuffix(line, "&\n"): // who types is slower than what starts
				line += "until bin/heliograph query >/dev/null 2>&1; do sleep 0.1; done\n"
			case strings.Contains(line, " query "): // and slower than the detector
				line = "until " + strings.TrimSpace(line) + " | tee answer | grep " + found + "; do sleep 0.1; done\n"
			}
			script += line
		}
	}
	return script
}

func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
