package nats

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/tests/freeport"
	"github.com/heliograph-net/heliograph/tests/source"
)

// site is a data directory and a binary.
type site struct {
	*testing.T
	binary, dir, spool               string
	collector, operations, dashboard string // host:port
}

// newSite builds the binary and makes a data directory. inbox is the collector's, in YAML.
func newSite(t *testing.T, inbox string) *site {
	t.Helper()
	listen := func() string { return fmt.Sprintf("127.0.0.1:%d", freeport.On(t, "127.0.0.1")) }
	s := &site{T: t, binary: filepath.Join(t.TempDir(), "heliograph"), dir: filepath.Join(t.TempDir(), "d"), spool: filepath.Join(t.TempDir(), "spool"),
		collector: listen(), operations: listen(), dashboard: listen()}
	if err := source.Read("cmd/heliograph/*.go"); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-o", s.binary, "./cmd/heliograph")
	build.Dir = source.Root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	config := fmt.Sprintf("collector:\n  listen: %q\n  inbox: %s\ndashboard: {listen: %q, least_clients: 1}\noperations: {listen: %q}\n", s.collector, inbox, s.dashboard, s.operations)
	policy := fmt.Sprintf("seal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors: [{id: c1, url: \"http://%s\", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]\n", s.collector)
	if err := roles.Init(s.dir, roles.InitOptions{Config: []byte(config), Policy: []byte(policy)}); err != nil {
		t.Fatal(err)
	}
	return s
}

// start starts heliograph, which is killed when the test is over.
func (s *site) start(args ...string) *exec.Cmd {
	s.Helper()
	p, logs := exec.Command(s.binary, args...), new(syncbuffer.Buffer)
	p.Stdout, p.Stderr = logs, logs
	if err := p.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { end(p); s.Logf("%v: %s", args, logs) })
	return p
}

// ready waits until readiness answers with a status.
func (s *site) ready(want int) {
	s.Helper()
	eventually(s.T, fmt.Sprintf("readiness is %d", want), func(ctx context.Context) (int, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.operations+"/health/ready", nil)
		if err != nil {
			return 0, err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			return 0, fmt.Errorf("%s", answer.Status)
		}
		return 0, nil
	})
}

// report makes a request that fails. Its report is delivered if the collector takes it.
func (s *site) report() {
	s.Helper()
	out, _ := exec.Command(s.binary, "get", "--policy", filepath.Join(s.dir, "policy"), "--consent", "counts", "--spool", s.spool, "--deliver", "2s",
		fmt.Sprintf("http://127.0.0.1:%d/", freeport.On(s.T, "127.0.0.1"))).CombinedOutput()
	s.Logf("get: %s", out)
}

// failed waits until the dashboard knows of so many failed requests.
func (s *site) failed(want int) {
	s.Helper()
	eventually(s.T, fmt.Sprintf("%d failed requests are known", want), func(ctx context.Context) (int, error) {
		out, err := exec.CommandContext(ctx, s.binary, "query", "--api", "http://"+s.dashboard, "--by", "type", "--json").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "tcp.refused") || !strings.Contains(string(out), fmt.Sprintf("\"failed\":%d", want)) {
			return 0, fmt.Errorf("query says %q, %v", out, err)
		}
		return 0, nil
	})
}

// TestReportsPassThroughTheStream runs the whole way of a report with the stream between a
// collector and a detector: while the servers are gone, the collector says so and takes nothing,
// and the report of that time arrives afterwards.
func TestReportsPassThroughTheStream(t *testing.T) {
	t.Parallel()
	n := alone(t, "always")
	s := newSite(t, fmt.Sprintf("{kind: nats, servers: [%q], stream: c1, replicas: 1, monitor: %q}", n.url(), n.monitorURL()))
	s.start("up", "--data", s.dir)
	s.ready(http.StatusOK)
	s.report()
	s.failed(1)
	n.kill()
	s.ready(http.StatusServiceUnavailable)
	s.report()
	n.start(t)
	s.ready(http.StatusOK)
	s.report()
	s.failed(3)
}

// TestCollectorIsLost: what a collector has receipted reaches the detector after its host is gone,
// if the detector reads the stream.
func TestCollectorIsLost(t *testing.T) {
	t.Parallel()
	n := alone(t, "always")
	s := newSite(t, fmt.Sprintf("{kind: nats, servers: [%q], stream: c1, replicas: 1, monitor: %q, readers: [d1]}", n.url(), n.monitorURL()))
	collector := s.start("collector", "--config", filepath.Join(s.dir, "heliograph.yaml"))
	s.ready(http.StatusOK)
	s.report()
	end(collector)
	config := fmt.Sprintf("detector:\n  feeds:\n  - {id: c1, nats: {servers: [%q], source: c1, reader: d1}}\ndashboard: {listen: %q, least_clients: 1}\noperations: {listen: %q}\n", n.url(), s.dashboard, s.operations)
	file := filepath.Join(s.dir, "detector.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start("detector", "--config", file)
	s.failed(1)
}
