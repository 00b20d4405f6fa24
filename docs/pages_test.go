package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// followed are the pages that somebody follows step by step. The others explain, or list.
var followed = []string{"access.md", "agent.md", "alerts.md", "backup.md", "browser.md", "c.md", "collector.md", "gate.md", "grafana.md", "heatmap.md", "install.md", "nel.md", "node.md", "objectives.md",
	"oblivious.md", "operate.md", "otlp.md", "prober.md", "python.md", "release.md", "scale.md", "sentry.md", "status.md", "upgrade.md", "runbooks/key-rotation.md", "runbooks/lost-host.md"}

// Every page that somebody follows says what to look at when it does not work.
func TestPagesHelpWhenItDoesNotWork(t *testing.T) {
	heading := regexp.MustCompile(`(?m)^## When (it does not work|nothing arrives|something is wrong)$`)
	for _, name := range followed {
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		if !heading.Match(text) {
			t.Errorf("%s does not say what to look at when it does not work", name)
		}
	}
}
