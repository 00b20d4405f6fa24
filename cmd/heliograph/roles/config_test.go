package roles

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector/inboxes"
)

func TestEmptyConfigHasTheDefaults(t *testing.T) {
	c, err := parse("/data/heliograph.yaml", []byte("# nothing but a comment\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Collector.Listen != "127.0.0.1:8417" || c.Dashboard.Listen != "127.0.0.1:8418" || c.Operations.Listen != "127.0.0.1:8419" {
		t.Errorf("ports are a contract: %+v", c)
	}
	if !reflect.DeepEqual(c.Collector.Inbox, inboxes.File("inbox.db")) {
		t.Errorf("inbox %+v", c.Collector.Inbox)
	}
	if got := c.File("inbox.db"); got != "/data/inbox.db" {
		t.Errorf("relative path = %q", got)
	}
	if got := c.File("/etc/x"); got != "/etc/x" {
		t.Errorf("absolute path = %q", got)
	}
}

func TestConfigOverDefaults(t *testing.T) {
	c, err := parse("f", []byte("detector:\n  bin: 20s\nprober:\n  targets:\n    - {name: a, tcp: \"127.0.0.1:1\", row: r1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Detector.Bin.Duration != 20*time.Second || c.Detector.Grace.Duration != 10*time.Second || c.Prober.Targets[0].Row != "r1" {
		t.Errorf("got %+v", c)
	}
}

func TestBadConfigNamesFileLineAndKey(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"unknown key":    {"collector:\n  id: c1\n  lissten: x\n", []string{"h.yaml:", "3", "lissten"}},
		"wrong type":     {"detector:\n  bin: soon\n", []string{"h.yaml:", "2", "bin"}},
		"slow down":      {"collector:\n  slow_down_at: 1.5\n", []string{"h.yaml:2: collector.slow_down_at", "1.5 is no part"}},
		"bad listen":     {"collector:\n  listen: nowhere\n", []string{"h.yaml:2: collector.listen", "nowhere"}},
		"half TLS":       {"collector:\n  tls_cert: a\n", []string{"h.yaml:2: collector.tls_key", "missing"}},
		"TLS told twice": {"collector:\n  tls_cert: a\n  tls_key: b\n  acme: {names: [c]}\n", []string{"h.yaml:4: collector.acme"}},
		"feed of NATS":   {"detector:\n  feeds:\n    - id: c1\n      nats: {servers: [], source: c1}\n", []string{"h.yaml:4: detector.feeds[0].nats", "servers is missing"}},
		"feed of both":   {"detector:\n  feeds:\n    - id: c1\n      url: http://x\n      nats: {servers: [x], source: c1, reader: d}\n", []string{"h.yaml:4: detector.feeds[0].url", "one of the two"}},
		"group":          {"detector:\n  group: {id: hub, member: a.b, servers: ['nats://x']}\n", []string{"h.yaml:2: detector.group", "member \"a.b\""}},
		"ledger":         {"alerts:\n  ledger: {servers: ['nats://x']}\n", []string{"h.yaml:2: alerts.ledger", "member \"\""}},
		"inbox of NATS":  {"collector:\n  inbox: {kind: nats, servers: ['nats://x'], stream: a.b}\n", []string{"collector.inbox", "stream \"a.b\""}},
		"feed":           {"detector:\n  feeds:\n    - id: c1\n      url: ftp://x\n", []string{"h.yaml:4: detector.feeds[0].url", "ftp://x"}},
		"target":         {"prober:\n  targets:\n    - name: a\n", []string{"h.yaml:3: prober.targets[0]", "give either url or tcp"}},
		"target of two kinds": {"prober:\n  targets:\n    - {name: a, url: \"http://a\", tcp: \"a:1\"}\n",
			[]string{"h.yaml:3: prober.targets[0]", "a: give either url or tcp, not both"}},
		"target's unknown key": {"prober:\n  targets:\n    - name: a\n      url: http://a\n      colour: red\n",
			[]string{"h.yaml:5: prober.targets[0].colour", "unknown field"}},
		"target's wrong type": {"prober:\n  targets:\n    - {name: a, url: \"http://a\", status_min: low}\n",
			[]string{"h.yaml:3: prober.targets[0]", "a: "}},
		"target that is no map": {"prober:\n  targets:\n    - 1\n", []string{"h.yaml:3: prober.targets[0]", "want a map"}},
		"kind of inbox":         {"collector:\n  id: c1\n  inbox: {kind: scroll}\n", []string{"h.yaml:3: collector.inbox", "scroll"}},
		"a floor of before":     {"detector:\n  min_places: 5\n", []string{"h.yaml:2", "min_places", "delete the line"}},
		"floors":                {"detector:\n  min_clients: 0\n", []string{"h.yaml:2: detector.min_clients"}},
		"objective": {"detector:\n  objectives:\n    - {target: \"https://a\", share: 99.9}\n",
			[]string{"h.yaml:3: detector.objectives", "https://a", "below 1, such as 0.999, is 99.9"}},
		"objective's name": {"detector:\n  objectives:\n    - {target: shop, share: 0.9}\n", []string{"h.yaml:3: detector.objectives", "\"shop\" is not an origin"}},
		"objective's path": {"detector:\n  objectives:\n    - {target: \"https://Shop.example:443/cart\", share: 0.9}\n", []string{"h.yaml:3: detector.objectives", "give its origin, https://shop.example"}},
		"objective's time": {"detector:\n  objectives:\n    - {target: \"https://a\", share: 0.99, within: soon}\n",
			[]string{"h.yaml:3: detector.objectives", "https://a is soon", "800ms"}},
		"objective's long time": {"detector:\n  objectives:\n    - {target: \"https://a\", share: 0.99, within: 1h}\n",
			[]string{"h.yaml:3: detector.objectives", "1ms to 10m0s"}},
		"not YAML at all": {"{{{", []string{"h.yaml:"}},
		"sentry":          {"collector:\n  id: c1\n  sentry: {project: shop, key: short}\n", []string{"h.yaml:3: collector.sentry", "project must be a number", "openssl rand"}},
		"otlp":            {"otlp:\n  endpoint: grpc://127.0.0.1:4317\n  traces: 2\n", []string{"h.yaml:2: otlp.endpoint", "http://127.0.0.1:4318", "h.yaml:3: otlp.traces"}},
		"two faults":      {"collector:\n  listen: x\ndashboard:\n  listen: y\n", []string{":2: collector.listen", ":4: dashboard.listen"}},
		"open to all":     {"dashboard:\n  listen: 0.0.0.0:8418\n", []string{"h.yaml:2: dashboard.listen", "open to everybody", "users, proxy or oidc"}},
		"proxies":         {"collector:\n  id: c1\n  proxy_protocol: [10.0.0.0/8, 10.1.2.3]\n", []string{"h.yaml:3: collector.proxy_protocol[1]", "10.1.2.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("h.yaml", []byte(tt.text))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}
