package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestHelpListsEveryCommand(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}} {
		code, stdout, _ := invoke(t, args...)
		if code != 0 {
			t.Errorf("%v: exit %d", args, code)
		}
		for _, command := range []string{"demo", "up", "init", "get", "sent", "query", "heatmap", "policy show", "policy sign", "collector", "detector", "prober", "version", "doctor", "headers", "relay", "quarantine list", "quarantine retry", "simulate", "replay"} {
			if !strings.Contains(stdout, "\n  "+command+" ") {
				t.Errorf("%v does not list %q:\n%s", args, command, stdout)
			}
		}
	}
	if code, stdout, _ := invoke(t, "get", "--help"); code != 0 || !strings.Contains(stdout, "--consent") {
		t.Errorf("get --help: exit %d\n%s", code, stdout)
	}
}

func TestErrorsNameWhatIsAtFault(t *testing.T) {
	policy := filepath.Join(newDir(t), "policy")
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("not a policy"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown command":   {[]string{"gte"}, 2, "gte"},
		"unknown flag":      {[]string{"get", "--polcy", "x", "http://127.0.0.1:9/"}, 2, "--polcy"},
		"missing flag":      {[]string{"up"}, 2, "--data"},
		"bad level":         {[]string{"get", "--policy", policy, "--consent", "some", "http://127.0.0.1:9/"}, 1, "--consent"},
		"sent of nobody":    {[]string{"sent"}, 1, "--spool"},
		"level, no policy":  {[]string{"get", "--consent", "counts", "http://127.0.0.1:9/"}, 1, "--policy"},
		"no such policy":    {[]string{"get", "--policy", "/nowhere/policy", "http://127.0.0.1:9/"}, 1, "/nowhere/policy"},
		"not a policy":      {[]string{"policy", "show", garbage}, 1, garbage},
		"no configuration":  {[]string{"collector", "--config", "/nowhere/heliograph.yaml"}, 1, "/nowhere/heliograph.yaml"},
		"no relay.yaml":     {[]string{"relay", "--config", "/nowhere/relay.yaml"}, 1, "/nowhere/relay.yaml"},
		"no dashboard":      {[]string{"query", "--api", "http://127.0.0.1:9"}, 1, "--api"},
		"bitset of no size": {[]string{"heatmap", garbage, "--servers", "7"}, 1, "--servers"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, _, stderr := invoke(t, tt.args...); code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, %q; want %d and %q", code, stderr, tt.code, tt.want)
			}
		})
	}
}

func newDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	if code, _, stderr := invoke(t, "init", dir); code != 0 {
		t.Fatalf("init: %s", stderr)
	}
	return dir
}

func TestInitNeverOverwrites(t *testing.T) {
	dir := newDir(t)
	before, err := os.ReadFile(filepath.Join(dir, "keys/open.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := invoke(t, "init", dir); code != 1 || !strings.Contains(stderr, dir) {
		t.Errorf("second init: exit %d, %q", code, stderr)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "keys/open.pem")); !bytes.Equal(before, after) {
		t.Error("the key was replaced")
	}
}

func TestPolicySignWantsARisingVersion(t *testing.T) {
	dir := newDir(t)
	signed, source := filepath.Join(dir, "policy"), filepath.Join(dir, "policy.yaml")
	sign := func() (int, string) {
		code, _, stderr := invoke(t, "policy", "sign", "--key", filepath.Join(dir, "keys/policy.pem"), "--out", signed, source)
		return code, stderr
	}
	if code, stderr := sign(); code != 1 || !strings.Contains(stderr, "version") {
		t.Errorf("same version: exit %d, %q", code, stderr)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("version: 1\n"), []byte("version: 2\n"), 1)
	text = bytes.Replace(text, []byte("disabled: false"), []byte("disabled: true"), 1)
	if err := os.WriteFile(source, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stderr := sign(); code != 0 {
		t.Fatalf("risen version: exit %d, %q", code, stderr)
	}
	if code, stdout, _ := invoke(t, "policy", "show", signed); code != 0 || !strings.Contains(stdout, "2 (disabled") {
		t.Errorf("show: exit %d\n%s", code, stdout)
	}
}

func TestPolicySignRefusesWindowsThatNobodyCanJudge(t *testing.T) {
	dir := newDir(t)
	source := filepath.Join(dir, "policy.yaml")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		window string
		flags  []string
		want   string // in the error; "": none
	}{
		{"90s", nil, ""},
		{"91s", nil, "--grace 30s"},
		{"10m", []string{"--bin", "5m"}, "--bin 5m0s"},
		{"10m", []string{"--bin", "5m", "--grace", "5m"}, ""},
		{"60s", []string{"--grace", "0s"}, "--bin and --grace must be positive"},
	} {
		changed := bytes.Replace(text, []byte("window: 60s"), []byte("window: "+c.window), 1)
		if err := os.WriteFile(source, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"policy", "sign", "--key", filepath.Join(dir, "keys/policy.pem"), "--out", filepath.Join(t.TempDir(), "policy"), source}, c.flags...)
		code, _, stderr := invoke(t, args...)
		if (code == 0) != (c.want == "") || !strings.Contains(stderr, c.want) {
			t.Errorf("window %s, %v: exit %d, %q; want %q", c.window, c.flags, code, stderr, c.want)
		}
	}
}

func TestHeatmapOfAFile(t *testing.T) {
	dir := t.TempDir()
	bits := filepath.Join(dir, "servers.bits")
	if err := os.WriteFile(bits, []byte{0xff, 0x01}, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := invoke(t, "heatmap", bits, "--servers", "10"); code != 0 || !strings.Contains(stdout, "9 up") {
		t.Errorf("text: exit %d, %s%s", code, stdout, stderr)
	}
	picture := filepath.Join(dir, "servers.png")
	if code, _, stderr := invoke(t, "heatmap", bits, "--png", picture); code != 0 {
		t.Errorf("PNG: exit %d, %s", code, stderr)
	}
	if b, _ := os.ReadFile(picture); !bytes.HasPrefix(b, []byte("\x89PNG")) {
		t.Error("no PNG was written")
	}
}

func TestDoctorJudgesFactsFromAFile(t *testing.T) {
	policy := filepath.Join(newDir(t), "policy")
	facts := filepath.Join(t.TempDir(), "facts.yaml")
	for text, want := range map[string]struct {
		code int
		says string
	}{
		"{name: c1, addresses: [198.51.100.7], asns: [64501], domain: watch.example}": {0, "shares nothing"},
		"{name: c1, addresses: [192.0.2.7], asns: [64501], domain: watch.example}":    {exitUnsound, "192.0.2.0/24"},
		"{nam: c1}": {1, "facts.yaml"},
	} {
		all := "service: [{name: shop.example, addresses: [192.0.2.1], asns: [64500], domain: shop.example}]\ncollectors: [" + text + "]\n"
		if err := os.WriteFile(facts, []byte(all), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, stdout, stderr := invoke(t, "doctor", "--policy", policy, "--facts", facts); code != want.code || !strings.Contains(stdout+stderr, want.says) {
			t.Errorf("%s: exit %d, %s%s; want %d and %q", text, code, stdout, stderr, want.code, want.says)
		}
	}
}
