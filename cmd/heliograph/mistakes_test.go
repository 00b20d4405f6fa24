package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMistakesAreToldWithTheRemedy makes the mistakes of somebody who has the docs and
// nothing else.
func TestMistakesAreToldWithTheRemedy(t *testing.T) {
	dir, out := newDir(t), filepath.Join(t.TempDir(), "x.tar.gz")
	host := func(text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, "hosts"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "hosts", "fra-1.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bundle := func(args ...string) []string {
		return append(append([]string{"bundle"}, args...), "--data", dir, "--out", out)
	}
	typo := filepath.Join(t.TempDir(), "heliograph.yaml")
	if err := os.WriteFile(typo, []byte("collector:\n  lisen: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		host string // settings of the prober's host
		args []string
		code int
		want string
	}{
		{"", []string{"collector", "--config", typo}, exitUsage, typo + `:2: collector.lisen: unknown field "lisen" (did you mean listen?)`},
		{"", []string{"collector", "--config", "/nowhere/heliograph.yaml"}, exitFailed, "heliograph unpack brings that of a host"},
		{"", []string{"bundle", "collector", "c2", "--data", "/nowhere"}, exitFailed, "is /nowhere an operator's directory?"},
		{"", bundle("collector", "c2"), exitFailed, "--url says where"},
		{"", bundle("collector", "c2", "--url", "c2.example.org"), exitFailed, `--url: "c2.example.org" is not a URL such as https://`},
		{"", bundle("collector", "c2", "--url", "http://c2.example.org"), exitFailed, "--url: http://c2.example.org has to be https"},
		{"", bundle("relay", "r1", "--collector", "c9"), exitFailed, `"c9" is not among the collectors of ` + filepath.Join(dir, "policy.yaml") + ": c1"},
		{"", bundle("relay", "r1", "--collector", "c1", "--url", "r1.example.org"), exitFailed, "--url: "},
		{"prober: {target: []}\n", bundle("prober", "fra-1"), exitFailed, `hosts/fra-1.yaml:1: prober.target: unknown field "target" (did you mean targets?)`},
		{"prober:\n\ttargets: []\n", bundle("prober", "fra-1"), exitFailed, "hosts/fra-1.yaml:2: "},
		{"", []string{"rotate", "feed", "--finish", "--data", dir}, exitFailed, "heliograph rotate feed without --finish begins one"},
		{"", []string{"rotate", "receipt", "c9", "--data", dir}, exitFailed, ": c1"},
		{"", []string{"backup", "--config", filepath.Join(dir, "heliograph.yaml"), filepath.Join(t.TempDir(), "copy")}, exitFailed, "of a detector that has run"},
		{"", []string{"policy", "show", filepath.Join(dir, "policy.yaml")}, exitFailed, "heliograph policy sign makes one"},
		{"", []string{"health", "http://127.0.0.1:9/"}, exitFailed, "a relay does on port 8421"},
		{"", []string{"health", "127.0.0.1:9"}, exitUsage, "is not a URL such as http://"},
		{"", []string{"get", "127.0.0.1:9"}, exitFailed, `"127.0.0.1:9" is not a URL such as https://`},
		{"", []string{"get", "shop.example"}, exitFailed, `"shop.example" is not a URL such as https://`},
	} {
		host(tt.host)
		if code, _, stderr := invoke(t, tt.args...); code != tt.code || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit %d, %s; want %d and %q", tt.args, code, stderr, tt.code, tt.want)
		}
	}
	if code, _, stderr := invoke(t, bundle("collector", "c2", "--url", "https://c2.example.org/")...); code != 0 {
		t.Errorf("a slash at the end: exit %d, %s", code, stderr)
	}
}

func TestDeniedFilesNameTheUser(t *testing.T) {
	denied := denied(fmt.Errorf("starting: %w", &fs.PathError{Op: "open", Path: "keys/open.pem", Err: fs.ErrPermission}))
	if !strings.Contains(denied, "runs this and may not") || !strings.Contains(denied, "heliograph unpack") {
		t.Errorf("%q", denied)
	}
}

// TestConfigCheckTriesTargets: what the prober would refuse at its start, or could never reach, is
// found before.
func TestConfigCheckTriesTargets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "heliograph.yaml")
	for text, want := range map[string]string{
		`prober: {targets: [{name: a, url: "web-1.example.com"}]}`:            "heliograph.yaml:1: prober.targets[0]",
		`prober: {targets: [{name: a, tcp: "db"}]}`:                           "a: ",
		`prober: {targets: [{name: a, tcp: "db:99999"}]}`:                     "a: ",
		`prober: {targets: [{name: a, tcp: "db:1"}, {name: a, tcp: "db:2"}]}`: "another target has this name",
		`dashboard: {listen: "0.0.0.0:8418"}`:                                 "open to everybody",
		`operations: {listen: ":8419"}`:                                       "everybody who reaches it",
		`detector: {bin: 7s}`:                                                 "detector.bin: 7s is not",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stdout, stderr := invoke(t, "config", "check", file); !strings.Contains(stdout+stderr, want) {
			t.Errorf("%s: %s%s; want %q", text, stdout, stderr, want)
		}
	}
}
