package main

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// change replaces a text in a file of a data directory.
func change(t *testing.T, name, old, next string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), old, next, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestConfigCheckOfAFreshDirectory(t *testing.T) {
	dir := newDir(t)
	code, stdout, stderr := invoke(t, "config", "check", filepath.Join(dir, "heliograph.yaml"))
	if code != 0 || strings.Contains(stdout, "FAULT") || !strings.Contains(stdout, "prober.targets") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = invoke(t, "config", "check", "--role", "collector", "--json", filepath.Join(dir, "heliograph.yaml"))
	var all []finding
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, stdout)
	}
	for _, f := range all {
		if strings.Contains(f.Subject, "prober") || f.Severity == "fault" {
			t.Errorf("for a collector: %+v", f)
		}
	}
}

// TestConfigCheckOfAGroup: members of a group that do not agree tell people twice.
func TestConfigCheckOfAGroup(t *testing.T) {
	dir := newDir(t)
	file := filepath.Join(dir, "heliograph.yaml")
	change(t, file, "\ndetector:\n", "\ndetector:\n  group: {id: hub, member: d1, servers: ['nats://127.0.0.1:1']}\n")
	change(t, file, "receivers: []", "receivers: [{name: am, kind: alertmanager, urls: ['http://127.0.0.1:1']}]")
	const warning = "every member tells people of every fault"
	if code, stdout, stderr := invoke(t, "config", "check", "--offline", file); code != 0 || !strings.Contains(stdout, warning) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	change(t, file, "\nalerts:\n", "\nalerts:\n  ledger: {member: d1, servers: ['nats://127.0.0.1:1']}\n")
	if code, stdout, stderr := invoke(t, "config", "check", "--offline", file); code != 0 || strings.Contains(stdout, warning) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestConfigCheckFindsWhatWouldNotWork(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, dir string)
		args  []string
		want  string // of a finding
	}{
		"receipt key is another": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "receipt_key: keys/receipt.pem", "receipt_key: keys/feed.pem")
		}, nil, "is not the key that the policy gives c1"},
		"credentials of a ledger": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "\nalerts:\n", "\nalerts:\n  ledger: {member: d1, servers: ['nats://127.0.0.1:1'], credentials: nowhere.creds}\n")
		}, nil, "nowhere.creds"},
		"private key for all": {func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "keys/receipt.pem"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, nil, "mode 0644"},
		"nobody reads": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "feed_keys: [keys/feed.pub.pem]", "feed_keys: []")
		}, []string{"--role", "collector"}, "no detector can read the inbox"},
		"not in the policy": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "id: c1", "id: c9")
		}, nil, "c9 is not among the collectors"},
		"opens with another key": {func(t *testing.T, dir string) {
			other := newDir(t)
			key, err := os.ReadFile(filepath.Join(other, "keys/open.pem"))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "keys/open.pem"), key, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, nil, "lacks the key that agents seal to under the policy"},
		"policy of a key that is no signer": {func(t *testing.T, dir string) {
			p, err := roles.ReadPolicySource(filepath.Join(dir, "policy.yaml"), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			signed, err := policy.Sign(p, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "policy"), signed, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, nil, "is signed by a key that is not among its signers"},
		"policy that is none": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "policy"), []byte("hello"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, nil, "collector.policy"},
		"detector without feeds": {func(*testing.T, string) {}, []string{"--role", "detector"}, "detector.feeds"},
		"no certificate of the dashboard": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "dashboard:\n", "dashboard:\n  tls_cert: none.pem\n  tls_key: none.key\n")
		}, nil, "dashboard.tls_cert"},
		"user with a role that is none": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "dashboard:\n", "dashboard:\n  users: [{name: ada, role: boss, password: hello}]\n")
		}, nil, `user "ada"`},
		"no secret of the provider": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "dashboard:\n", "dashboard:\n  oidc: {issuer: \"https://login.example\", client_id: x, client_secret: keys/none}\n")
		}, nil, "dashboard.oidc.client_secret"},
		"no credentials of a stream": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "detector:\n", "detector:\n  feeds: [{id: c2, nats: {servers: [\"tls://n.example:4222\"], source: c2, reader: detector, credentials: keys/none}}]\n")
		}, nil, "detector.feeds[0].nats.credentials"},
		"no such table": {func(t *testing.T, dir string) {
			change(t, filepath.Join(dir, "heliograph.yaml"), "collector:", "networks: nowhere.tsv\ncollector:")
		}, nil, "nowhere.tsv"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			tt.spoil(t, dir)
			code, stdout, stderr := invoke(t, append([]string{"config", "check", filepath.Join(dir, "heliograph.yaml")}, tt.args...)...)
			if code != 3 || !strings.Contains(stdout, tt.want) || !strings.Contains(stdout, "FAULT") {
				t.Errorf("exit %d, want 3 and %q\n%s%s", code, tt.want, stdout, stderr)
			}
		})
	}
	if code, _, stderr := invoke(t, "config", "check", "/nowhere/heliograph.yaml"); code != 2 || !strings.Contains(stderr, "/nowhere/heliograph.yaml") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A detector whose feeds are streams signs no requests, so it needs no key for them.
func TestConfigCheckOfStreamsWantsNoFeedKey(t *testing.T) {
	file := filepath.Join(newDir(t), "heliograph.yaml")
	change(t, file, "feed_key: keys/feed.pem", "feeds: [{id: c2, nats: {servers: [\"tls://n.example:4222\"], source: c2, reader: detector}}]\n  feed_key: keys/none.pem")
	code, stdout, stderr := invoke(t, "config", "check", "--offline", "--role", "detector", file)
	if code != 0 || strings.Contains(stdout, "FAULT") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestConfigCheckOfARelay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	if code, _, stderr := invoke(t, "init", "--relay", dir); code != 0 {
		t.Fatal(stderr)
	}
	file := filepath.Join(dir, "relay.yaml")
	for _, args := range [][]string{{file}, {"--role", "relay", file}} {
		if code, stdout, stderr := invoke(t, append([]string{"config", "check"}, args...)...); code != 0 || !strings.Contains(stdout, ": networks") {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
	if code, _, stderr := invoke(t, "config", "check", "--role", "relay,prober", file); code != exitUsage || !strings.Contains(stderr, "--role relay") {
		t.Errorf("two roles: exit %d, %s", code, stderr)
	}
	change(t, file, "listen: 127.0.0.1:8420", "listen: 0.0.0.0:8420")
	change(t, file, "key: keys/relay.pem", "key: keys/relay.pub.pem")
	code, stdout, _ := invoke(t, "config", "check", file)
	if code != exitUnsound || !strings.Contains(stdout, "relay.yaml:21: key") || !strings.Contains(stdout, "agents connect by https only") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}
