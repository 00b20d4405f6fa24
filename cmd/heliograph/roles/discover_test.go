package roles

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/prober/discover"
)

// Targets come and go with a file of Prometheus' file_sd, without restart or reload, and those that
// stay keep their states.
func TestTargetsAreDiscovered(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		next := filepath.Join(dir, name+".next")
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	up := fmt.Sprintf(`{"targets": [%q], "labels": {"name": "web-1", "rack": "r17"}}`, listener.Addr())
	write("web.json", "["+up+`, {"targets": ["127.0.0.1:1"], "labels": {"name": "web-2", "rack": "r17"}}, {"targets": ["no port"], "labels": {"name": "web-3"}}]`)
	write("h.yaml", `operations: {listen: "127.0.0.1:0"}
dashboard: {listen: "127.0.0.1:0"}
prober:
  interval: 50ms
  failures: 1
  discover:
    - {files: ["*.json"], refresh: 10ms, module: tcp_connect, relabel_configs: [{source_labels: [rack], target_label: row}]}
  targets: [{name: fixed, tcp: "127.0.0.1:1"}]
`)
	c, err := Load(filepath.Join(dir, "h.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), Options{Config: c, Roles: Roles{Prober: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	waitForCounts(t, p.probes, heatmap.Counts{Up: 1, Down: 2})
	topology := p.probes.Topology()
	if i, ok := topology.ByName("web-1"); !ok || topology.Server(i).Row != "r17" {
		t.Errorf("web-1 is there: %v", ok)
	}
	write("web.json", "["+up+"]")
	waitForCounts(t, p.probes, heatmap.Counts{Up: 1, Down: 1})
	write("more.json", `[{"targets": ["127.0.0.1:1"]}]`)
	waitForCounts(t, p.probes, heatmap.Counts{Up: 1, Down: 2})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestFaultyDiscoveryIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"{files: [a.json], module: none}":                                             "prober.discover[0].module: there is no module \"none\"",
		"{module: http_2xx}":                                                          "discover[0]: give either",
		"{files: [a.json], module: http_2xx, refresh: soon}":                          "prober.discover[0].refresh",
		"{files: [a.json], module: http_2xx, relabel_configs: [{regex: \"(\"}]}":      "relabel[0].regex",
		"{url: \"http://a\", module: http_2xx, relabel_configs: [{action: hashmod}]}": "relabel[0].action",
	} {
		if _, err := parse("h.yaml", []byte("prober:\n  discover:\n    - "+text+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	c, err := parse("h.yaml", []byte("prober:\n  discover: [{files: [a.json], module: tcp_connect}]\n  targets: [{name: a, tcp: \"a:1\"}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	targets, err := c.discovered([]discover.Target{{Address: "a:2", Labels: map[string]string{"name": "a"}}, {Address: "b"}, {Address: "c:1"}})
	if len(targets) != 1 || targets[0].Name != "c:1" || err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("%+v, %v", targets, err)
	}
}

// Sources of other systems have the names of their files relative to the configuration.
func TestSourcesOfOtherSystems(t *testing.T) {
	text := `prober:
  discover:
    - {consul: {tags: [prod], token_file: consul.token}, module: tcp_connect}
    - {kubernetes: {role: service, token_file: /run/token}, module: tcp_connect}
    - {ec2: {region: eu-west-1, access_key: A, secret_key_file: k}, module: tcp_connect}
`
	c, err := parse("/etc/h/h.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := c.sources()
	if s[0].Consul.TokenFile != "/etc/h/consul.token" || s[0].Consul.Tags[0] != "prod" || s[1].Kubernetes.TokenFile != "/run/token" || s[2].EC2.SecretKeyFile != "/etc/h/k" {
		t.Errorf("%+v", s)
	}
	for change, want := range map[string]string{"role: service": "kubernetes.role", "region: eu-west-1, ": "ec2.region", "tags: [prod]": "unknown field"} {
		broken := strings.Replace(text, change, "x: y", 1)
		if change == "role: service" {
			broken = strings.Replace(text, change, "role: pod", 1)
		} else if change != "tags: [prod]" {
			broken = strings.Replace(text, change, "", 1)
		}
		if _, err := parse("h.yaml", []byte(broken)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
	}
}
