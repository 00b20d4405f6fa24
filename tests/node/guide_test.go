package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/tests/source"
)

var fences = regexp.MustCompile("(?ms)^```(sh|js)\n(?:// (\\S+)\n)?(.*?)^```$")

// TestGuide types what docs/node.md says, in a fresh copy of the repository, where nobody else has
// its ports and there is no network.
func TestGuide(t *testing.T) {
	if !netns.Own(t, projectEnv+"="+project) {
		return
	}
	dir := t.TempDir()
	clone := exec.CommandContext(t.Context(), "bash", "-c", `git ls-files -z --cached --others --exclude-standard | xargs -0 cp -P --parents -t "$0"`, dir)
	clone.Dir = source.Root
	if out, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("copying the repository: %v: %s", err, out)
	}
	text, err := os.ReadFile(source.Path("docs/node.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\ntrap 'kill %1' EXIT\n"
	for _, fence := range fences.FindAllStringSubmatch(string(text), -1) {
		if fence[1] == "js" {
			script += fmt.Sprintf("cat >%s <<'PROGRAM'\n%sPROGRAM\n", fence[2], fence[3])
			continue
		}
		for line := range strings.Lines(fence[3]) {
			switch {
			case strings.HasSuffix(line, "&\n"): // who types is slower than what starts
				line += "until bin/heliograph query >/dev/null 2>&1; do sleep 0.1; done\n"
			case strings.Contains(line, " query "): // and slower than the detector
				line = "until " + strings.TrimSpace(line) + " | tee answer | grep tcp.refused; do sleep 0.1; done\n"
			}
			script += line
		}
	}
	cmd := exec.CommandContext(t.Context(), "timeout", "200", "bash", "-c", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "GOCACHE="+goCache(t), "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(string(out), "\nthe shop is closed: tcp.refused\n") || !regexp.MustCompile(`tcp\.refused +http://127\.0\.0\.1:4 +0 +1 `).Match(out) {
		t.Errorf("%s", out)
	}
}

func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
