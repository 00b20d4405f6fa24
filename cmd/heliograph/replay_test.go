package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Simulated reports can be replayed from a file and through a pipe.
func TestSimulateAndReplay(t *testing.T) {
	dir := t.TempDir()
	scenario, cells, truth := filepath.Join(dir, "s.yaml"), filepath.Join(dir, "cells.jsonl"), filepath.Join(dir, "truth.jsonl")
	text := "duration: 2m\nworld: {requests_per_second: 20, networks: 10, largest_network: 0.3}\n" +
		"faults:\n- {start: 1m, duration: 1m, outcomes: {tcp.reset: 1}, verdict: service_down}\n"
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := invoke(t, "simulate", "--seed", "2", "--scenario", scenario, "--out", cells, "--truth", truth); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if b, err := os.ReadFile(truth); err != nil || !strings.HasPrefix(string(b), `{"start":1772442060000,"end":1772442120000,"outcome":"tcp.reset","scope":{},"verdict":"service_down"}`) {
		t.Errorf("%v %s", err, b)
	}
	code, piped, _ := invoke(t, "simulate", "--seed", "2", "--scenario", scenario, "--out", "-")
	if b, err := os.ReadFile(cells); err != nil || code != 0 || string(b) != piped {
		t.Errorf("exit %d, %v; the pipe has %d bytes, the file %d", code, err, len(piped), len(b))
	}
	code, _, stderr := invoke(t, "replay", "--format", "cells", "--bin", "10s", "--grace", "10s", cells)
	if code != 0 || !strings.HasPrefix(stderr, `{"bins":`) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

func TestBadInputOfSimulateAndReplay(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("{\"tick\":1}\n{\"tok\":2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"replay", "--format", "cells", bad}, "heliograph: " + bad + ":2: tok: is no key"},
		{[]string{"replay", "--format", "cells", "/nowhere/cells"}, "/nowhere/cells"},
		{[]string{"replay", "--format", "cows", bad}, "--format"},
		{[]string{"replay", bad}, "--format"},
		{[]string{"replay", "--format", "cells", "--bin", "7s", bad}, "--bin"},
		{[]string{"replay", "--format", "cells", "--grace", "2h", bad}, "--grace"},
		{[]string{"replay", "--format", "series", bad}, "--scores"},
		{[]string{"replay", "--format", "series", "--scores", "--bin", "500ms", bad}, "--bin"},
		{[]string{"replay", "--format", "rs", "--at", "60", "--top", "0", bad}, "--top"},
		{[]string{"replay", "--format", "series", "--scores", bad}, "heliograph: " + bad + ":1: line: "},
		{[]string{"replay", "--format", "rs", "--at", "60", bad}, bad},
		{[]string{"replay", "--format", "rs", bad}, "minutes to explain"},
		{[]string{"simulate", "--scenario", bad, "--out", "-"}, "heliograph: " + bad + ":2: "},
		{[]string{"simulate", "--out", "-"}, "--scenario"},
	} {
		if code, stdout, stderr := invoke(t, c.args...); code != 2 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit %d, %q, %q; want 2 and %q", c.args, code, stdout, stderr, c.want)
		}
	}
}
