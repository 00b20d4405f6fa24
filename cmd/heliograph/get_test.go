package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/agent/agenttest"
)

// TestGetWithoutConsentChangesNothing: a missing --consent flag does not withdraw consent.
func TestGetWithoutConsentChangesNothing(t *testing.T) {
	op := agenttest.For(t)
	dir := t.TempDir()
	policy, spool := filepath.Join(dir, "policy"), filepath.Join(dir, "spool")
	if err := os.WriteFile(policy, op.Policy(), 0o600); err != nil {
		t.Fatal(err)
	}
	get := func(flags ...string) string {
		t.Helper()
		args := append([]string{"get", "--policy", policy, "--spool", spool, "--deliver", "1s"}, flags...)
		code, _, stderr := invoke(t, append(args, "http://127.0.0.1:1/")...)
		if code != 1 || !strings.Contains(stderr, "tcp.refused") {
			t.Fatalf("exit code %d, %s", code, stderr)
		}
		return stderr
	}
	segments := func() []string {
		names, err := filepath.Glob(filepath.Join(spool, "*.seg"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if get(); len(segments()) != 0 {
		t.Errorf("without consent: %v", segments())
	}
	// the collector's name does not resolve, and the error says so
	if stderr := get("--consent", "counts"); !strings.Contains(stderr, "could not be delivered yet") || !strings.Contains(stderr, "collector c1: ") {
		t.Errorf("says %s", stderr)
	}
	before := segments()
	if get(); len(before) != 1 || len(segments()) != 1 || segments()[0] != before[0] {
		t.Errorf("there was %v, and without the flag there is %v", before, segments())
	}
	if get("--consent", "off"); len(segments()) != 0 {
		t.Errorf("withdrawn: %v", segments())
	}
}

// TestGetCA: the error names the flag if its file cannot be used.
func TestGetCA(t *testing.T) {
	op := agenttest.For(t)
	policy := filepath.Join(t.TempDir(), "policy")
	if err := os.WriteFile(policy, op.Policy(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{policy, "/nowhere/ca.pem"} {
		code, _, stderr := invoke(t, "get", "--policy", policy, "--consent", "counts", "--ca", file, "http://127.0.0.1:1/")
		if code != 1 || !strings.Contains(stderr, "--ca") || !strings.Contains(stderr, file) {
			t.Errorf("exit code %d, %s", code, stderr)
		}
	}
}
