package roles

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	dto "github.com/prometheus/client_model/go"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

// metric is one metric of a registry, as its documentation shows it.
type metric struct{ name, kind, labels, help string }

// TestMetricsDocument holds docs/metrics.md to the registries of all roles.
func TestMetricsDocument(t *testing.T) {
	const name = "../../../docs/metrics.md"
	want := metricsDocument(t)
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(filepath.FromSlash(name)); err != nil || string(got) != want {
		t.Errorf("%s is not what the roles export; run go test ./cmd/heliograph/roles -run TestMetricsDocument -update (%v)", name, err)
	}
}

func metricsDocument(t *testing.T) string {
	t.Helper()
	all := start(t, "collector: {listen: '127.0.0.1:0'}\ndetector: {group: {id: hub, member: d1, servers: ['nats://127.0.0.1:1']}, objectives: [{target: 'https://shop.example', share: 0.999}]}\nprober: {targets: [{name: web, tcp: '127.0.0.1:1'}]}\notlp: {endpoint: 'http://127.0.0.1:1'}\nalerts: {ledger: {member: d1, servers: ['nats://127.0.0.1:1']}}\n",
		Roles{Collector: true, Detector: true, Prober: true})
	sender := start(t, "prober: {vantage: fra-1, policy: policy, targets: [{name: web, tcp: '127.0.0.1:1'}]}\n", Roles{Prober: true})
	dir := t.TempDir()
	if err := InitRelay(dir); err != nil {
		t.Fatal(err)
	}
	c, err := LoadRelay(filepath.Join(dir, RelayConfigName))
	if err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Operations.Listen = "127.0.0.1:0", "127.0.0.1:0"
	relay, err := NewRelay(RelayOptions{Config: c, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()

	var metrics []metric
	clickhouse := prometheus.NewRegistry()
	clickhouse.MustRegister(new(clickhousestore.Events)) // of a store that needs a server
	for _, r := range []*prometheus.Registry{all.metrics, sender.metrics, relay.metrics, clickhouse} {
		metrics = append(metrics, exported(t, r)...)
	}
	slices.SortFunc(metrics, func(x, y metric) int { return cmp.Or(strings.Compare(x.name, y.name), strings.Compare(y.kind, x.kind)) })
	metrics = slices.CompactFunc(metrics, func(x, y metric) bool { return x.name == y.name })
	var b strings.Builder
	b.WriteString(`# Metrics

Every process answers ` + "`GET /metrics`" + ` on its operations listener (127.0.0.1:8419), in the text format of Prometheus or as OpenMetrics. This page is made
from the registries of the roles. No label has a client's word, and no metric has more series than its configuration or the words of a table
allow. Besides these there are Go's own (` + "`go_…`" + `, ` + "`process_…`" + `).

` + "`dashboards/prometheus`" + ` has alerts on them for a Prometheus: for what Heliograph cannot tell about itself, because it is dead or blind.
`)
	section := ""
	for _, m := range metrics {
		if s := strings.Split(m.name, "_")[1]; s != section {
			section = s
			fmt.Fprintf(&b, "\n## %s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", section)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, m.labels, strings.ReplaceAll(m.help, "|", "\\|"))
	}
	return b.String()
}

var described = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: (".*"), constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// exported lists the metrics of a registry. What has no value yet has no type.
func exported(t *testing.T, r *prometheus.Registry) (all []metric) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]dto.MetricType{}
	for _, f := range families {
		kinds[f.GetName()] = f.GetType()
	}
	descs := make(chan *prometheus.Desc)
	go func() { r.Describe(descs); close(descs) }()
	for d := range descs {
		parts := described.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("a description has another form: %s", d)
		}
		name := parts[1]
		if !strings.HasPrefix(name, "heliograph_") {
			continue
		}
		var help string
		if _, err := fmt.Sscanf(parts[2], "%q", &help); err != nil || help == "" {
			t.Errorf("%s has no help (%v)", name, err)
		}
		kind := "gauge"
		if k, ok := kinds[name]; ok {
			kind = strings.ToLower(k.String())
		} else if strings.HasSuffix(name, "_total") {
			kind = "counter"
		} else if strings.HasSuffix(name, "_duration_seconds") || strings.HasSuffix(name, "_size_bytes") {
			kind = "histogram"
		}
		all = append(all, metric{name, kind, labels(parts[3], parts[4]), help})
	}
	return all
}

var value = regexp.MustCompile(`="[^"]*"`)

// labels are the names of a metric's labels, constant ones first.
func labels(constant, variable string) string {
	var names []string
	for _, list := range []string{value.ReplaceAllString(constant, ""), variable} {
		for name := range strings.SplitSeq(list, ",") {
			if name != "" {
				names = append(names, "`"+name+"`")
			}
		}
	}
	return strings.Join(names, ", ")
}
