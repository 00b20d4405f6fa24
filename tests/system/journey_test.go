package system

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heliograph-net/heliograph/internal/netns"
)

// refusedURL names a port of loopback that refuses.
func refusedURL(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "https://" + ln.Addr().String() + "/marked-path/4815162342?marked=query"
}

func TestUpMakesItsDirectoryAndShowsWhatGetMet(t *testing.T) {
	s := newSite(t, "prober:\n  targets:\n    - {name: a, tcp: \"127.0.0.1:1\"}\n    - {name: b, tcp: \"127.0.0.1:1\", row: r2}\n")
	up := s.start("up", "--data", s.dir)
	_, stderr, code := s.run("get", "--policy", s.policy(), "--spool", filepath.Join(t.TempDir(), "spool"), "--consent", "diagnostics", refusedURL(t))
	if code != 1 || !strings.Contains(stderr, "tcp.refused") {
		t.Errorf("get: exit %d, %q; want 1 and the outcome", code, stderr)
	}
	s.wantFailed("tcp.refused", 1)
	bits, err := s.get("http://" + s.dashboard + "/api/v1/servers.bits")
	if err != nil || len(bits) != 1 {
		t.Errorf("servers.bits of 2 servers: %d bytes, %v; want 1", len(bits), err)
	}
	table, stderr, code := s.run("query", "--api", "http://"+s.dashboard)
	if code != 0 || !strings.Contains(table, "tcp.refused") || !strings.Contains(table, "/marked-path/:id") || strings.Contains(table, "query") {
		t.Errorf("query: exit %d, %s%s; want the scrubbed sample", code, table, stderr)
	}
	text, stderr, code := s.run("heatmap", "--api", "http://"+s.dashboard)
	if code != 0 || !strings.Contains(text, "r2") {
		t.Errorf("heatmap: exit %d, %s%s", code, text, stderr)
	}
	up.stop()
	if strings.Contains(up.logs.String(), "marked") {
		t.Errorf("the log names a path: %s", up.logs)
	}
}

func TestUpWithoutDirectory(t *testing.T) {
	if !netns.Own(t, binaryEnv+"="+binary) { // in which nobody uses the default ports
		return
	}
	s := &site{t: t, binary: binary, dir: filepath.Join(t.TempDir(), "new", "d"), collector: "127.0.0.1:8417", dashboard: "127.0.0.1:8418", oper: "127.0.0.1:8419"}
	up := s.start("up", "--data", s.dir)
	for _, key := range []string{"open.pem", "policy.pem", "receipt.pem", "feed.pem"} {
		info, err := os.Stat(filepath.Join(s.dir, "keys", key))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", key, info, err)
		}
	}
	bits, err := s.get("http://" + s.dashboard + "/api/v1/servers.bits")
	if err != nil || len(bits) != 0 {
		t.Errorf("servers.bits of no servers: %d bytes, %v", len(bits), err)
	}
	up.stop()
}

func TestReportWaitsForItsCollector(t *testing.T) {
	s := newSite(t, "")
	spool := filepath.Join(t.TempDir(), "spool")
	get := func(url string) (string, int) {
		_, stderr, code := s.run("get", "--policy", s.policy(), "--spool", spool, "--consent", "diagnostics", url)
		return stderr, code
	}
	if stderr, _ := get(refusedURL(t)); !strings.Contains(stderr, "the next run tries again") {
		t.Errorf("with the collector down, get says %q", stderr)
	}
	hits, files := grep(t, spool, "127.0.0.1", "marked", "tcp.refused")
	if files == 0 || len(hits) > 0 {
		t.Errorf("the spool has %d files, readable: %v", files, hits)
	}
	s.start("up", "--data", s.dir)
	service := httptest.NewServer(http.NotFoundHandler())
	defer service.Close()
	get(service.URL)
	s.wantFailed("tcp.refused", 1)
	get(service.URL)
	s.wantFailed("http.error", 2)
	s.wantFailed("tcp.refused", 1) // once
	hits, files = grep(t, s.dir, "marked-path", "marked=query")
	// The detector's store holds the scrubbed path, and nothing else does.
	for _, hit := range hits {
		if !strings.Contains(filepath.Base(hit), "store.db") || strings.Contains(hit, "marked=query") {
			t.Errorf("readable: %s", hit)
		}
	}
	if files < 5 {
		t.Errorf("looked at %d files only", files)
	}
}

func TestCollectorKilledRightAfterReceipt(t *testing.T) {
	s := newSite(t, "")
	collector := s.start("collector", "--config", s.config())
	_, stderr, _ := s.run("get", "--policy", s.policy(), "--spool", filepath.Join(t.TempDir(), "spool"), "--consent", "counts", refusedURL(t))
	collector.kill() // SIGKILL; get returned, so the receipt is there
	if strings.Contains(stderr, "could not be delivered") {
		t.Fatalf("not delivered: %s", stderr)
	}
	hits, _ := grep(t, s.dir, "127.0.0.1:", "marked", "tcp.refused")
	for _, hit := range hits {
		if strings.Contains(hit, "inbox") {
			t.Errorf("the inbox is readable: %s", hit)
		}
	}
	s.start("up", "--data", s.dir)
	s.wantFailed("tcp.refused", 1)
}

func TestWithoutConsentNothingIsWrittenOrSent(t *testing.T) {
	var connections atomic.Int64
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			c.Close()
		}
	}()
	s := newSite(t, "")
	// The same site, with a listener that only counts where the policy says the collector is.
	policy, err := os.ReadFile(filepath.Join(s.dir, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(s.dir, "policy2.yaml")
	text := strings.ReplaceAll(string(policy), s.collector, ln.Addr().String()) + "version: 2\n"
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	signed := filepath.Join(s.dir, "policy2")
	if _, stderr, code := s.run("policy", "sign", "--key", filepath.Join(s.dir, "keys/policy.pem"), "--out", signed, source); code != 0 {
		t.Fatal(stderr)
	}
	spool := filepath.Join(t.TempDir(), "spool")
	get := func(consent string) {
		s.run("get", "--policy", signed, "--spool", spool, "--deliver", "1s", "--consent", consent, refusedURL(t))
	}
	get("off")
	if _, err := os.Stat(spool); !os.IsNotExist(err) {
		t.Errorf("the spool exists: %v", err)
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections to the collector", n)
	}
	get("counts") // the watch itself works
	if _, err := os.Stat(spool); err != nil || connections.Load() == 0 {
		t.Errorf("with consent: %v, %d connections", err, connections.Load())
	}
	// and taking consent back leaves nothing but the notice that what may have arrived is to
	// be deleted
	get("off")
	left, err := os.ReadDir(spool)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		info, err := f.Info()
		// locks are empty
		if name := f.Name(); name != "notice.state" && (err != nil || info.Size() > 0) {
			t.Errorf("%s stays after consent was taken back, %v", name, err)
		}
	}
}
