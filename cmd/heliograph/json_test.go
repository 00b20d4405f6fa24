package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
