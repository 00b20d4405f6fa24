package rules

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/heliograph-net/heliograph/tests/source"
)

var (
	labelList  = regexp.MustCompile(`by \(([a-z_, ]+)\)`)
	labelMatch = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	legend     = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)
	metricRow  = regexp.MustCompile("(?m)^\\| `(heliograph_[a-z_]+)` \\| (\\w+) \\| ([^|]*) \\|")
)

// panelQueries are the PromQL expressions of Grafana's dashboards with the names of their series.
func panelQueries(t *testing.T) (all [][2]string) {
	t.Helper()
	files, err := filepath.Glob(source.Path("dashboards/grafana/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Panels []struct {
				Targets []struct{ Expr, LegendFormat string }
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, p := range board.Panels {
			for _, q := range p.Targets {
				if q.Expr != "" {
					all = append(all, [2]string{q.Expr, q.LegendFormat})
				}
			}
		}
	}
	return all
}

// TestGrafanaQueriesParse has Prometheus' own parser read every query, as the expression of a rule.
func TestGrafanaQueriesParse(t *testing.T) {
	var rules strings.Builder
	fmt.Fprint(&rules, "groups:\n  - name: panels\n    rules:\n")
	for i, q := range panelQueries(t) {
		fmt.Fprintf(&rules, "      - record: panel:%d\n        expr: %q\n", i, strings.ReplaceAll(q[0], "$__rate_interval", "2m"))
	}
	file := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// TestGrafanaNamesWhatExists: every metric of a panel is one that a role exports, with the labels
// that the panel uses, and a counter or histogram is asked for as what it is.
func TestGrafanaNamesWhatExists(t *testing.T) {
	document, err := os.ReadFile(source.Path("docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	kinds, labels := map[string]string{}, map[string]string{}
	for _, m := range metricRow.FindAllStringSubmatch(string(document), -1) {
		kinds[m[1]], labels[m[1]] = m[2], m[3]
	}
	for _, q := range panelQueries(t) {
		expr, known := q[0], []string{"job", "instance"} // what Prometheus adds
		for _, name := range metricName.FindAllString(expr, -1) {
			base := strings.TrimSuffix(name, "_bucket")
			kind := kinds[base]
			if kind == "" || (base != name) != (kind == "histogram") {
				t.Errorf("docs/metrics.md has no %s: %s", name, expr)
			}
			if counts := strings.Contains(expr, "rate("+name) || strings.Contains(expr, "increase("+name); counts != (kind == "counter" || kind == "histogram") {
				t.Errorf("%s is a %s: %s", name, kind, expr)
			}
			known = append(known, "le")
			for l := range strings.SplitSeq(labels[base], ",") {
				known = append(known, strings.Trim(l, " `"))
			}
		}
		var used []string
		for _, m := range labelList.FindAllStringSubmatch(expr, -1) {
			used = append(used, strings.Split(strings.ReplaceAll(m[1], " ", ""), ",")...)
		}
		for _, m := range labelMatch.FindAllStringSubmatch(expr, -1) {
			used = append(used, m[1])
		}
		for _, m := range legend.FindAllStringSubmatch(q[1], -1) {
			used = append(used, m[1])
			if !slices.Contains(used[:len(used)-1], m[1]) {
				t.Errorf("the series of %s have no label %s", expr, m[1])
			}
		}
		for _, l := range used {
			if !slices.Contains(known, l) {
				t.Errorf("no metric of %s has the label %s", expr, l)
			}
		}
	}
}

// TestGrafanaSchema: the dashboards are of Grafana's own schema, with no member that it does not
// know and none that it lacks. What is inside of queries and of the options of panels is not
// checked, because plugins have schemas of their own.
func TestGrafanaSchema(t *testing.T) {
	files, err := filepath.Glob(source.Path("dashboards/grafana/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		//lint:ignore SA1019 Files of the newer schema are for the newest releases of Grafana only.
		var d dashboard.Dashboard
		// it returns an empty list of errors
		if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
			t.Errorf("%s:\n%v", filepath.Base(file), err)
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s:\n%v", filepath.Base(file), err)
		}
	}
}
