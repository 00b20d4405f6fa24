package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/live"
	"github.com/heliograph-net/heliograph/internal/nettable"
)

// short is a scenario of a few seconds.
const short = "duration: 20s\nworld: {requests_per_second: 5, networks: 10, largest_network: 0.3, clients: 300, sampling: 1}\n"

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Reports go to a collector of the policy on this machine, unless the operator says more.
func TestSimulateSaysWhereItMaySend(t *testing.T) {
	scenario, dir := writeFile(t, short), newDir(t)
	policy := filepath.Join(dir, "policy")
	elsewhere := newDir(t)
	text := "seal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\nversion: 2\ncollectors: [{id: c1, url: \"https://c1.shop.invalid\", receipt_key: keys/receipt.pub.pem}]\n"
	source := filepath.Join(elsewhere, "policy.yaml")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	far := filepath.Join(elsewhere, "policy")
	if code, _, stderr := invoke(t, "policy", "sign", "--key", filepath.Join(elsewhere, "keys/policy.pem"), "--out", far, source); code != 0 {
		t.Fatal(stderr)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "--out FILE or --to COLLECTOR"},
		{[]string{"--out", "-", "--to", "c1"}, exitUsage, "--out and --to"},
		{[]string{"--to", "c1"}, exitUsage, "--to needs --policy"},
		{[]string{"--out", "-", "--policy", policy}, exitUsage, "are for --to"},
		{[]string{"--to", "c1", "--policy", "/nowhere"}, exitFailed, "--policy: open /nowhere"},
		{[]string{"--to", "c2", "--policy", policy}, exitUsage, "c2 is not among the collectors of " + policy + ": c1 http://127.0.0.1:8417"},
		{[]string{"--to", "https://c1.shop.invalid/", "--policy", far}, exitUsage, "add --allow c1.shop.invalid"},
		{[]string{"--to", "c1", "--policy", far, "--allow", "shop.invalid"}, exitUsage, "add --allow c1.shop.invalid"},
		{[]string{"--to", "c1", "--policy", policy, "--speed", "0.1"}, exitUsage, "a speed of 0.1"},
		{[]string{"--to", "c1", "--policy", policy, "--ca", "/nowhere"}, exitFailed, "--ca: "},
	} {
		if code, _, stderr := invoke(t, append([]string{"simulate", "--scenario", scenario}, tt.args...)...); code != tt.code || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit %d, %s; want %d and %q", tt.args, code, stderr, tt.code, tt.want)
		}
	}
	_, p, err := readPolicy(far)
	if err != nil {
		t.Fatal(err)
	}
	cmd := simulateCmd{To: []string{"https://c1.shop.invalid/", "c1"}, Allow: []string{"c1.shop.invalid"}}
	if all, err := cmd.collectors(p); err != nil || len(all) != 2 || all[0].ID != "c1" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestSimulateWritesNetworksAlone(t *testing.T) {
	table := filepath.Join(t.TempDir(), "networks.tsv")
	if code, stdout, stderr := invoke(t, "simulate", "--scenario", writeFile(t, short), "--networks", table); code != 0 || stdout != "" {
		t.Fatalf("exit %d, %q %s", code, stdout, stderr)
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if networks, err := nettable.Load(bytes.NewReader(text)); err != nil || networks.Len() != 10 {
		t.Errorf("%v: %s", err, text)
	}
}

func TestSimulateResultAsJSON(t *testing.T) {
	var out bytes.Buffer
	o := &output{stdout: &out}
	if err := o.json(live.Result{Reports: 3, Delivered: 2, Refused: map[string]uint64{"malformed": 1}}); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got["delivered"] != 2.0 || got["gave_up"] != 0.0 || got["simulated_seconds"] != 0.0 {
		t.Errorf("%v: %s", err, out.String())
	}
}
