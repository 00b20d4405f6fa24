package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
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
		{"60s", nil, ""},
		{"61s", nil, "--grace 10s"},
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

func TestHeatmapOfAnInventedFleet(t *testing.T) {
	dir := t.TempDir()
	bits, picture := filepath.Join(dir, "x.bits"), filepath.Join(dir, "x.png")
	if code, stdout, stderr := invoke(t, "heatmap", "--demo", "1000000", "--down", "0.01", "--bits", bits, "--png", picture); code != 0 || stdout != "" {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	b, err := os.ReadFile(bits)
	if err != nil {
		t.Fatal(err)
	}
	up, err := heatmap.FromBytes(1_000_000, b)
	if err != nil || len(b) != 125_000 || up.Count() != 990_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if b, _ := os.ReadFile(picture); !bytes.HasPrefix(b, []byte("\x89PNG")) {
		t.Error("no PNG was written")
	}
	svg := filepath.Join(dir, "x.svg")
	for _, c := range []struct {
		want string // in stderr; "" for success
		args []string
	}{
		{"", []string{"--demo", "400", "--svg", svg, "--order", "hilbert", "--group", "north/north-1"}},
		{"no such group", []string{"--demo", "400", "--group", "north/south"}},
		{"at most 10000", []string{"--demo", "10001", "--svg", svg}},
		{"share", []string{"--demo", "10", "--down", "1.5"}},
		{"--history", []string{"--demo", "10", "--at", "5m"}},
		{"neither a time", []string{"--demo", "10", "--at", "yesterday"}},
	} {
		if code, _, stderr := invoke(t, append([]string{"heatmap"}, c.args...)...); (code == 0) != (c.want == "") || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q", c.args, code, stderr)
		}
	}
}

// Links and disks are groups of one list, each of which is a map by itself.
func TestHeatmapOfLinks(t *testing.T) {
	dir := t.TempDir()
	list, bits := filepath.Join(dir, "things.csv"), filepath.Join(dir, "links.bits")
	text := "name,region,data_centre,state\nsda,disks,fra,down\nsdb,disks,fra,up\nfra-ams,links,fra,up\nfra-lon,links,fra,down\nfra-vie,links,fra,up\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := invoke(t, "heatmap", list, "--group", "links"); code != 0 || !strings.HasPrefix(stdout, "3 servers  █ 2 up  ✗ 1 down") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := invoke(t, "heatmap", list, "--group", "links", "--bits", bits); code != 0 {
		t.Fatal(stderr)
	}
	if b, err := os.ReadFile(bits); err != nil || !bytes.Equal(b, []byte{0b101}) {
		t.Errorf("the links' bits are %b, %v", b, err)
	}
}

func TestHeatmapOfAList(t *testing.T) {
	list := filepath.Join(t.TempDir(), "disks.csv")
	for text, want := range map[string]string{
		"name,row,state\nsda,r1,up\nsdb,r1,down\nsdc,r2,\n": "3 servers  █ 1 up  ✗ 1 down  · 1 unknown",
		"row,state\nr1,up\n":               "no column is named name",
		"name,colour\nsda,blue\n":          "line 1: column \"colour\"",
		"name,state\nsda,up\nsdb,broken\n": "line 3: state \"broken\"",
		"name\nsda\nsda\n":                 "two servers are named",
		"":                                 "disks.csv",
	} {
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stdout, stderr := invoke(t, "heatmap", list); !strings.Contains(stdout+stderr, want) {
			t.Errorf("%q: %s%s, want %q", text, stdout, stderr, want)
		}
	}
}

func TestHeatmapOfAHistory(t *testing.T) {
	dir := t.TempDir()
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	topology, err := heatmap.NewTopology([]heatmap.Server{{Name: "a", Cluster: "x"}, {Name: "b", Cluster: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	m, noon := heatmap.NewMap(topology), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for minute, states := range [][2]heatmap.State{{heatmap.Up, heatmap.Down}, {heatmap.Down, heatmap.Up}} {
		at := noon.Add(time.Duration(minute) * time.Minute)
		m.Set(0, states[0], at)
		m.Set(1, states[1], at)
		if err := past.Append(at, m.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	if err := past.Close(); err != nil {
		t.Fatal(err)
	}
	if _, stdout, stderr := invoke(t, "heatmap", "--history", dir, "--at", "2026-11-29T12:00:30Z"); !strings.Contains(stdout, "█✗") {
		t.Errorf("at noon: %s%s", stdout, stderr)
	}
	if _, stdout, stderr := invoke(t, "heatmap", "--history", dir, "--from", "2026-11-29T12:00:00Z"); stdout != "1 failed, 1 recovered, 0 still down, 0 added, 0 removed\n- x/a\n+ x/b\n" {
		t.Errorf("what changed: %s%s", stdout, stderr)
	}
	if code, _, stderr := invoke(t, "heatmap", "--history", dir, "--at", "2026-11-29T11:59:00Z"); code == 0 || !strings.Contains(stderr, "no frame") {
		t.Errorf("before noon: exit %d, %s", code, stderr)
	}
}

func TestWhatChangedInAGroup(t *testing.T) {
	dir := t.TempDir()
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	topology, err := heatmap.NewTopology([]heatmap.Server{{Name: "sda", DataCentre: "disks"}, {Name: "ams", DataCentre: "links"}, {Name: "lon", DataCentre: "links"}})
	if err != nil {
		t.Fatal(err)
	}
	m, noon := heatmap.NewMap(topology), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for minute, state := range []heatmap.State{heatmap.Up, heatmap.Down} {
		for i := range 2 {
			m.Set(i, state, noon)
		}
		if err := past.Append(noon.Add(time.Duration(minute)*time.Minute), m.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	if err := past.Close(); err != nil {
		t.Fatal(err)
	}
	_, stdout, stderr := invoke(t, "heatmap", "--history", dir, "--from", "2026-11-29T12:00:00Z", "--group", "links")
	if stdout != "1 failed, 0 recovered, 0 still down\n- links/ams\n" {
		t.Errorf("what changed of the links: %s%s", stdout, stderr)
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
