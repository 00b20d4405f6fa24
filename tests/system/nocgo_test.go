package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Without cgo there is no SQLite. What needs none works; the rest says what is missing.
func TestBuildWithoutCgo(t *testing.T) {
	s := newSite(t, "prober: {targets: [{name: a, tcp: \"127.0.0.1:1\"}]}\n")
	s.binary = filepath.Join(t.TempDir(), "heliograph")
	build := exec.Command("go", "build", "-trimpath", "-o", s.binary, "./cmd/heliograph")
	build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	spool, bits, facts := filepath.Join(t.TempDir(), "spool"), filepath.Join(s.dir, "servers.bits"), filepath.Join(s.dir, "facts.yaml")
	s.write("servers.bits", "\xff\x01")
	s.write("facts.yaml", "service: [{name: shop.example, addresses: [192.0.2.1], asns: [64500], domain: shop.example}]\n"+
		"collectors: [{name: c1, addresses: [198.51.100.7], asns: [64501], domain: watch.example}]\n")
	const missing = "this build has no SQLite: rebuild with CGO_ENABLED=1"
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"version", 0, "heliograph "},
		{"init " + filepath.Join(t.TempDir(), "d"), 0, "heliograph.yaml"},
		{"policy show " + s.policy(), 0, s.collector},
		{"get --policy " + s.policy() + " --spool " + spool + " --deliver 1s --consent counts " + refusedURL(t), 1, "tcp.refused"},
		{"sent --spool " + spool, 0, "Nothing was sent"},
		{"query --api http://127.0.0.1:9", 1, "--api"},
		{"heatmap " + bits + " --servers 10", 0, "9 up"},
		{"headers " + s.dir, 1, "https"},
		{"doctor --policy " + s.policy() + " --facts " + facts, 0, "shares nothing"},
		{"collector --config " + s.config(), 1, "collector.inbox: " + missing},
		{"up --data " + s.dir, 1, missing},
		{"demo --once --listen 127.0.0.1:0", 1, missing},
	} {
		stdout, stderr, code := s.run(strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(stdout+stderr, tt.says) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", tt.args, code, tt.code, tt.says, stdout, stderr)
		}
	}
	d := s.second("detector.yaml", "detector: {feeds: [{id: c1, url: \"http://127.0.0.1:9\"}]}\n")
	if _, stderr, code := s.run("detector", "--config", d.config()); code != 1 || !strings.Contains(stderr, "detector.store: "+missing) {
		t.Errorf("detector: exit %d, %s", code, stderr)
	}
	s.start("prober", "--config", s.config()).terminate()
	relay := filepath.Join(t.TempDir(), "relay")
	if _, stderr, code := s.run("init", "--relay", relay); code != 0 {
		t.Fatal(stderr)
	}
	// it is not ready without its collector
	s.startUntil("/health/live", "relay", "--config", s.relayConfig(relay)).terminate()
}
