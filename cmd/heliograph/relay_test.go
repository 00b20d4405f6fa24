package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An operator can set up a relay with commands alone.
func TestPolicyShowNamesRelays(t *testing.T) {
	dir := newDir(t)
	path := filepath.Join(dir, "policy.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "version: 1", "version: 2", 1) + `
    relay: https://relay.example.net/v1/oblivious
    oblivious_keys: [keys/oblivious.pub.pem]
  - {id: c2, url: "https://c2.example.net", priority: 2, receipt_key: keys/receipt.pub.pem}
`
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "policy")
	code, stdout, stderr := invoke(t, "policy", "sign", "--key", filepath.Join(dir, "keys/policy.pem"), "--out", policy, path)
	if code != 0 || !strings.Contains(stdout, "c2 has no relay") {
		t.Errorf("sign: %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = invoke(t, "policy", "show", policy)
	if code != 0 || !strings.Contains(stdout, "through https://relay.example.net/v1/oblivious, key ") || !strings.Contains(stdout, "connect to c2 without a relay") {
		t.Errorf("show: %d, %q, %q", code, stdout, stderr)
	}
	relay := filepath.Join(t.TempDir(), "relay")
	if code, stdout, stderr := invoke(t, "init", "--relay", relay); code != 0 || !strings.Contains(stdout, "relay.pub.pem") {
		t.Errorf("init --relay: %d, %q, %q", code, stdout, stderr)
	}
}
