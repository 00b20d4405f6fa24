package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
)

// setPipeline starts collectors, detector, prober and page, and returns the signed policy for
// the clients.
func (s *stage) setPipeline(ctx context.Context, collectorCA, serviceCA *devca.CA) ([]byte, error) {
	mainDir := filepath.Join(s.dir, "main")
	for i, host := range collectorHosts {
		id := fmt.Sprintf("c%d", i+1)
		c, err := newCollector(id, host, filepath.Join(s.dir, id), mainDir, s.o.Executable, collectorCA)
		if err != nil {
			return nil, err
		}
		s.collectors = append(s.collectors, c)
	}
	if err := roles.Init(mainDir, roles.InitOptions{Config: []byte(s.config()), Policy: []byte(s.policy())}); err != nil {
		return nil, err
	}
	files := map[string][]byte{"networks.tsv": []byte(networkTable()), "collectors-ca.pem": collectorCA.PEM(), "service-ca.pem": serviceCA.PEM()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(mainDir, name), text, 0o644); err != nil {
			return nil, err
		}
	}
	for _, c := range s.collectors {
		if err := c.Start(ctx); err != nil {
			return nil, err
		}
		s.cleanUp("collector "+c.id, c.Stop)
	}
	config, err := roles.Load(filepath.Join(mainDir, roles.ConfigName))
	if err != nil {
		return nil, err
	}
	config.Detector.Lapse = s.times.lapse
	s.node, err = roles.New(ctx, roles.Options{Config: config, Roles: roles.Roles{Detector: true, Prober: true}, Logger: s.o.Log})
	if err != nil {
		return nil, err
	}
	s.background("detector", s.node.Run)
	return os.ReadFile(filepath.Join(mainDir, "policy"))
}

// config returns heliograph.yaml of the process with detector, prober and page.
func (s *stage) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, `networks: networks.tsv
detector:
  feeds: [%s]
  feed_ca: collectors-ca.pem
  bin: %s
  grace: %s
dashboard: {listen: "%s", least_clients: 1} # the clients are invented
operations: {listen: "127.0.0.1:0"}
prober:
  interval: %s
  timeout: 1s
  failures: 3
  ca: service-ca.pem
  targets:
`, s.feeds(), s.times.bin, s.times.grace, s.o.Listen, s.times.probe)
	for _, p := range s.places {
		fmt.Fprintf(&b, "    - {name: %s, url: \"%s/healthz\", address: \"%s\", data_centre: %s, cluster: %s, row: %s}\n",
			p.Name, s.service.URL(), s.service.Server(p.Addr), p.DataCentre, p.Cluster, p.Row)
	}
	return b.String()
}

func (s *stage) feeds() string {
	urls := make([]string, len(s.collectors))
	for i, c := range s.collectors {
		urls[i] = fmt.Sprintf(`{id: %s, url: "https://%s"}`, c.id, c.Addr)
	}
	return strings.Join(urls, ", ")
}

// policy returns policy.yaml for the clients, with both collectors, the first preferred. As there
// are few clients, a quarter of the windows without failures is sent.
func (s *stage) policy() string {
	var b strings.Builder
	fmt.Fprintf(&b, `success_fraction: 0.25
window: %s
seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors:
`, s.times.window)
	for i, c := range s.collectors {
		fmt.Fprintf(&b, "  - {id: %s, url: \"https://%s\", priority: %d, weight: 1, receipt_key: ../%s/keys/receipt.pub.pem}\n", c.id, c.Addr, i+1, c.id)
	}
	return b.String()
}
