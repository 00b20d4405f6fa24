package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

func TestPolicyShowAsJSON(t *testing.T) {
	code, stdout, stderr := invoke(t, "policy", "show", "--json", filepath.Join(newDir(t), "policy"))
	var p shownPolicy
	if err := json.Unmarshal([]byte(stdout), &p); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s%s", code, err, stdout, stderr)
	}
	if p.Version != 1 || p.MaxConsent != "diagnostics" || p.WindowMS != 60_000 || p.EarlyMS != 8000 || len(p.Collectors) != 1 || p.Collectors[0].ID != "c1" {
		t.Errorf("%+v", p)
	}
}

func TestSentAsJSON(t *testing.T) {
	code, stdout, stderr := invoke(t, "sent", "--json", "--spool", filepath.Join(t.TempDir(), "spool"))
	if code != 0 || strings.TrimSpace(stdout) != "[]" {
		t.Errorf("exit %d: %q %q", code, stdout, stderr)
	}
}

// TestPin: the pin from a server and from its certificate's file are the same.
func TestPin(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(s.Certificate().RawSubjectPublicKeyInfo)
	want := base64.StdEncoding.EncodeToString(sum[:]) + "\n"
	for _, from := range []string{file, s.Listener.Addr().String()} {
		if code, stdout, stderr := invoke(t, "policy", "pin", from); code != 0 || stdout != want {
			t.Errorf("%s: exit %d, %q, want %q; %s", from, code, stdout, want, stderr)
		}
	}
	for _, from := range []string{"/nowhere/cert.pem", filepath.Join(newDir(t), "policy"), "127.0.0.1:9"} {
		if code, _, stderr := invoke(t, "policy", "pin", from); code != 1 || !strings.Contains(stderr, from) {
			t.Errorf("%s: exit %d, %s", from, code, stderr)
		}
	}
}

func TestPolicySignNamesWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"valid_for: 1s":  "valid_for: 1s is less than refresh",
		"valid_for: -1h": "valid_for: -1h0m0s is not a duration",
		"valid_for: xx":  "valid_for: xx is not a duration",
		"valid_for: 90d": "",
	} {
		dir := newDir(t)
		change(t, filepath.Join(dir, "policy.yaml"), "valid_for: 2160h", text)
		change(t, filepath.Join(dir, "policy.yaml"), "version: 1", "version: 2")
		code, _, stderr := invoke(t, "policy", "sign", "--key", filepath.Join(dir, "keys/policy.pem"), "--out", filepath.Join(dir, "policy"), filepath.Join(dir, "policy.yaml"))
		if !strings.Contains(stderr, want) || (code == 0) != (want == "") {
			t.Errorf("%s: exit %d, %s", text, code, stderr)
		}
	}
}

// TestEveryCommandPrintsJSON: what commands say they have done can be read by programs.
func TestEveryCommandPrintsJSON(t *testing.T) {
	dir, out := newDir(t), t.TempDir()
	config, archive := filepath.Join(dir, "heliograph.yaml"), filepath.Join(out, "c2.tar.gz")
	change(t, config, "listen: 127.0.0.1:8419", "listen: 127.0.0.1:0")
	emptyStore(t, config)
	for _, tt := range []struct {
		args []string
		want string // a key
	}{
		{[]string{"version"}, `"version"`},
		{[]string{"bundle", "collector", "c2", "--url", "https://c2.example.net", "--data", dir, "--out", archive}, `"why"`},
		{[]string{"unpack", archive, filepath.Join(out, "c2")}, `"policy"`},
		{[]string{"rotate", "feed", "--data", dir}, `"until"`},
		{[]string{"rotate", "feed", "--finish", "--now", "--data", dir}, `"finished": true`},
		{[]string{"backup", "--config", config, filepath.Join(out, "copy")}, `"bytes"`},
		{[]string{"restore", "--config", config, filepath.Join(out, "copy")}, `"kept"`},
		{[]string{"repair", dir}, `"whole": true`},
		{[]string{"quarantine", "retry", "--config", config}, `"released": 0`},
		{[]string{"heatmap", "--demo", "100", "--down", "0.02"}, `"down"`},
		{[]string{"config", "check", config}, `"severity"`},
		{[]string{"policy", "show", filepath.Join(dir, "policy")}, `"version"`},
	} {
		code, stdout, stderr := invoke(t, append(tt.args, "--json")...)
		if code != 0 || !json.Valid([]byte(stdout)) || !strings.Contains(stdout, tt.want) {
			t.Errorf("%v: exit %d, %s %s; want %s", tt.args, code, stdout, stderr, tt.want)
		}
	}
	if code, stdout, _ := invoke(t, "alert", "test", "--config", config, "--json"); code != exitFailed || strings.TrimSpace(stdout) != "[]" {
		t.Errorf("without receivers: exit %d, %s", code, stdout)
	}
}

// emptyStore makes the store of a configuration.
func emptyStore(t *testing.T, config string) {
	t.Helper()
	c, err := roles.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	events, state, err := c.Detector.Store.Open(t.Context(), filepath.Dir(config))
	if err == nil {
		err = errors.Join(events.Close(), state.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSpans: every flag that is a span of time understands days.
func TestSpans(t *testing.T) {
	var c cli
	parser, err := newParser(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"headers", "--max-age", "30d", "/v1/reports"}); err != nil || c.Headers.MaxAge != 30*24*time.Hour {
		t.Errorf("%v, %v", c.Headers.MaxAge, err)
	}
	if _, err := parser.Parse([]string{"headers", "--max-age", "month", "/v1/reports"}); err == nil || !strings.Contains(err.Error(), "--max-age") || !strings.Contains(err.Error(), "7d") {
		t.Errorf("a month: %v", err)
	}
}
