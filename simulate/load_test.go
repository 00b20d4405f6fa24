package simulate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Errors name the file, the line and the key.
func TestBadScenarios(t *testing.T) {
	for text, want := range map[string]string{
		"about: x\nduratoin: 1h": "file.yaml:2: unknown field \"duratoin\"",
		"duration: [1]":          "file.yaml:1: duration: ",
		"duration: soon":         "file.yaml:1: duration: \"soon\" is no duration",
		"\nstart: now":           "file.yaml:2: start: \"now\" is no time",
		"world: {servers: many}": "file.yaml:1: cannot unmarshal",
		"world: {servers":        "file.yaml:1: ",
		"duration: 0s":           "file.yaml:1: duration: 0s is not from 1s",
		"world:\n  networks: 0":  "file.yaml:2: world.networks: 0 is not from 1",
		"world:\n  sampling: 2":  "file.yaml:2: world.sampling:",
		"faults:\n - start: 5m\n   duration: 1m\n   outcomes: {tcp.reset: 1}":                                           "file.yaml:2: faults[0].verdict: \"\" is no verdict",
		"faults:\n - start: 5m\n   duration: 1m\n   outcomes: {TCP: 1}\n   verdict: dns":                                "file.yaml:4: faults[0].outcomes: \"TCP\" is no outcome",
		"faults:\n - start: 5m\n   duration: 1m\n   on: 1m\n   outcomes: {tcp.reset: 1}\n   verdict: dns":               "file.yaml:4: faults[0].on: want on and off together",
		"faults:\n - start: 5m\n   duration: 1m\n   outcomes: {ok: 1}\n   verdict: dns\n   collector: c9":               "file.yaml:6: faults[0].collector: want one of c1 to c2",
		"faults:\n - start: 5m\n   duration: 1m\n   outcomes: {ok: 1}\n   verdict: dns\n   vantages: [v1]":              "faults[0].vantages[0]: want one of v1 to v0",
		"faults:\n - start: 5m\n   duration: 1m\n   outcomes: {ok: 1}\n   verdict: dns\n   scope: {networks: 2}":        "faults[0].scope.networks: want network_share, too",
		"faults:\n - start: 5m\n   duration: 1m\n   outcomes: {ok: 1}\n   verdict: dns\n   target: https://pay.example": "file.yaml:6: faults[0].target: no request has \"https://pay.example\"; want one of https://shop.example",
		"faults:\n - start: 5m\n   duration: 1m\n   outcomes: {ok: 1}\n   verdict: dns\n   scope: {version: [9.9]}":     "faults[0].scope.version: no request has \"9.9\"; want one of 1.4.2",
		"floods:\n - start: 5m\n   duration: 1m\n   per_second: 1000000000\n   outcome: ok":                             "file.yaml:4: floods[0].per_second:",
		"releases:\n - version: \"\"":      "file.yaml:2: releases[0].version:",
		strings.Repeat("#", MaxScenario+1): "larger than",
	} {
		if _, err := Parse("file.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "file.yaml") {
			t.Errorf("%.200s\n%v\nwant %q", text, err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(file, []byte("about: nothing but this\nworld: {servers: 3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if err != nil || s.About != "nothing but this" || s.World.Servers != 3 || s.World.Networks != 1000 {
		t.Errorf("%v %+v", err, s)
	}
	if s, err := Parse("empty", nil); err != nil || s.World.Networks != 1000 {
		t.Errorf("%v %+v", err, s)
	}
}
