package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tlsDir returns a data directory whose policy has collectors that browsers can use.
func tlsDir(t *testing.T) string {
	t.Helper()
	dir := newDir(t)
	text := `version: 2
seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors:
  - {id: c1, url: "https://c1.example-a.net", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}
  - {id: c2, url: "https://c2.example-b.org", priority: 2, weight: 1, receipt_key: keys/receipt.pub.pem}
`
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := invoke(t, "policy", "sign", "--key", filepath.Join(dir, "keys/policy.pem"), "--out", filepath.Join(dir, "policy"), filepath.Join(dir, "policy.yaml")); code != 0 {
		t.Fatal(stderr)
	}
	return dir
}

func TestHeadersCommand(t *testing.T) {
	dir := tlsDir(t)
	const nelHeader = `NEL: {"report_to":"nel","max_age":2592000,"success_fraction":0.05,"failure_fraction":1}` + "\n"
	for _, path := range []string{dir, filepath.Join(dir, "policy")} {
		code, stdout, stderr := invoke(t, "headers", path)
		if code != 0 || stderr != "" || !strings.HasPrefix(stdout, `Report-To: {"group":"nel","max_age":2592000,"endpoints":[{"url":"https://c1.example-a.net/v1/reports",`) || !strings.HasSuffix(stdout, nelHeader) {
			t.Errorf("%s: exit %d\n%s%s", path, code, stdout, stderr)
		}
	}
	code, stdout, stderr := invoke(t, "headers", dir, "--format", "nginx", "--reports", "--max-age", "1h", "--success-fraction", "1")
	if code != 0 || strings.Count(stdout, "add_header ") != 4 || strings.Count(stderr, "warning: ") != 4 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	for want, args := range map[string][]string{
		"--success-fraction": {"headers", dir, "--success-fraction", "NaN"},
		"--format":           {"headers", dir, "--format", "apache"},
		"https":              {"headers", newDir(t)},
		"/nowhere":           {"headers", "/nowhere"},
	} {
		if code, stdout, stderr := invoke(t, args...); code != 1 || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%v: exit %d, %q %q", args, code, stdout, stderr)
		}
	}
}
