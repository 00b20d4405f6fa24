// Package rules tries the rules for a Prometheus that watches Heliograph itself.
package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

// TestRules has Prometheus' own tool check the rules and play their test.
func TestRules(t *testing.T) {
	if err := source.Read("dashboards/prometheus/*"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", "heliograph.rules.yaml"}, {"test", "rules", "heliograph.test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = filepath.Join(source.Root, "dashboards/prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

var (
	metricName = regexp.MustCompile(`heliograph_[a-z_]+`)
	runbook    = regexp.MustCompile(`runbook_url: https://github\.com/heliograph-net/heliograph/blob/main/(\S+)`)
)

// TestRulesNameWhatExists: every metric is one that a role exports, and every runbook is there.
func TestRulesNameWhatExists(t *testing.T) {
	rules, err := os.ReadFile(source.Path("dashboards/prometheus/heliograph.rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := os.ReadFile(source.Path("docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range metricName.FindAllString(string(rules), -1) {
		if !strings.Contains(string(metrics), "`"+strings.TrimSuffix(name, "_bucket")+"`") {
			t.Errorf("docs/metrics.md has no %s", name)
		}
	}
	for _, m := range runbook.FindAllStringSubmatch(string(rules), -1) {
		if _, err := os.Stat(source.Path(m[1])); err != nil {
			t.Error(err)
		}
	}
}
