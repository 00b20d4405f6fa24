package nats

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/tests/source"
)

// TestReportsPassThroughTheStream runs the whole way of a report with the stream between a
// collector and a detector: while the servers are gone, the collector says so and takes nothing,
// and the report of that time arrives afterwards.
func TestReportsPassThroughTheStream(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "heliograph")
	if err := source.Read("cmd/heliograph/*.go"); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./cmd/heliograph")
	build.Dir = source.Root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	s := alone(t, "always")
	dir := filepath.Join(t.TempDir(), "d")
	listen := func() string { return fmt.Sprintf("127.0.0.1:%d", freePort(t, "127.0.0.1")) }
	collector, operations, dashboard := listen(), listen(), listen()
	config := fmt.Sprintf("collector:\n  listen: %q\n  inbox: {kind: nats, servers: [%q], stream: c1, replicas: 1, monitor: %q}\ndashboard: {listen: %q}\noperations: {listen: %q}\n",
		collector, s.url(), s.monitorURL(), dashboard, operations)
	policy := fmt.Sprintf("seal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors: [{id: c1, url: \"http://%s\", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]\n", collector)
	if err := roles.Init(dir, roles.InitOptions{Config: []byte(config), Policy: []byte(policy)}); err != nil {
		t.Fatal(err)
	}
	up, logs := exec.Command(binary, "up", "--data", dir), new(syncbuffer.Buffer)
	up.Stdout, up.Stderr = logs, logs
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(up); t.Log(logs) })
	ready := func(want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("readiness is %d", want), func(ctx context.Context) (int, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+operations+"/health/ready", nil)
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
	spool := filepath.Join(t.TempDir(), "spool")
	report := func() {
		t.Helper()
		// the request fails, and its report is delivered as far as possible
		out, _ := exec.Command(binary, "get", "--policy", filepath.Join(dir, "policy"), "--consent", "counts", "--spool", spool, "--deliver", "2s", fmt.Sprintf("http://127.0.0.1:%d/", freePort(t, "127.0.0.1"))).CombinedOutput()
		t.Logf("get: %s", out)
	}
	failed := func(want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d failed requests are known", want), func(ctx context.Context) (int, error) {
			out, err := exec.CommandContext(ctx, binary, "query", "--api", "http://"+dashboard, "--by", "type", "--json").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "tcp.refused") || !strings.Contains(string(out), fmt.Sprintf("\"failed\":%d", want)) {
				return 0, fmt.Errorf("query says %q, %v", out, err)
			}
			return 0, nil
		})
	}
	ready(http.StatusOK)
	report()
	failed(1)
	s.kill()
	ready(http.StatusServiceUnavailable)
	report()
	s.start(t)
	ready(http.StatusOK)
	report()
	failed(3)
}
