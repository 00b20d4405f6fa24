package bundle_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/bundle"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// TestRelayJoins: one command enters a relay into the policy, and the next archive of the collector
// opens what comes through it. Another relay takes its place by the same command.
func TestRelayJoins(t *testing.T) {
	o := withTwo(t)
	before, _ := held(t, o)
	b, err := o.Relay("r1", "c1", "https://r1.example.com")
	dir, _ := unpacked(t, b, err)
	c, err := roles.LoadRelay(filepath.Join(dir, roles.RelayConfigName))
	if err != nil || c.Listen != "0.0.0.0:443" || !slices.Equal(c.ACME.Names, []string{"r1.example.com"}) || c.Gateway != before.Collectors[0].URL || c.Collector != "c1" {
		t.Errorf("%+v, %v", c, err)
	}
	after, signed := held(t, o)
	if _, err := before.Next(signed); err != nil || after.Collectors[0].Relay != "https://r1.example.com/v1/oblivious" || len(after.Collectors[0].ObliviousKeys) == 0 {
		t.Errorf("the policy names %+v, %v", after.Collectors[0], err)
	}
	b, err = o.Collector("c1", "")
	if keys, config := keysOf(t, b, err); !slices.Contains(keys, "relay-r1.pub.pem") || len(config.Collector.ObliviousKeys) != 1 {
		t.Errorf("the collector has %v, %v", keys, config.Collector.ObliviousKeys)
	}
	again, err := o.Relay("r1", "c1", "https://r1.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	if same, _ := held(t, o); same.Version != after.Version {
		t.Errorf("the policy's version is %d, want %d: nothing has changed", same.Version, after.Version)
	}
	if keyOf(b) == keyOf(again) {
		t.Error("the relay has the key of its first archive")
	}
	if _, err := o.Relay("r2", "c1", "https://r2.example.com:8443/v1/oblivious"); err != nil {
		t.Fatal(err)
	}
	if next, _ := held(t, o); next.Collectors[0].Relay != "https://r2.example.com:8443/v1/oblivious" || next.Version != after.Version+1 {
		t.Errorf("the policy names %+v", next.Collectors[0])
	}
	if source, _ := os.ReadFile(filepath.Join(o.Dir, "policy.yaml")); !strings.Contains(string(source), "# upload cap per process") {
		t.Error("policy.yaml lost its comments")
	}
}

func keyOf(b *bundle.Bundle) string {
	for _, f := range b.Files {
		if f.Name == "keys/relay.pem" {
			return string(f.Text)
		}
	}
	return ""
}

// TestRelayOfADirectoryOfAnOlderRelease: the gateway's key is made when it is needed first.
func TestRelayOfADirectoryOfAnOlderRelease(t *testing.T) {
	o := operator(t)
	for _, name := range []string{"keys/oblivious.pem", "keys/oblivious.pub.pem"} {
		if err := os.Remove(filepath.Join(o.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Relay("r1", "c1", "https://r1.example.com"); err != nil {
		t.Fatal(err)
	}
	b, err := o.Collector("c1", "https://c1.example.net")
	if keys, _ := keysOf(t, b, err); !slices.Contains(keys, "oblivious.pem") {
		t.Errorf("the collector has %v", keys)
	}
}

// TestSettingsOfARelay: hosts/NAME.yaml is for relays, too, and a certificate of one's own takes
// the place of ACME.
func TestSettingsOfARelay(t *testing.T) {
	o := withTwo(t)
	settings := func(text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(o.Dir, "hosts"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.Dir, "hosts", "r1.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings("tls_cert: mine.pem\ntls_key: mine.key\nmax_requests: 7\n")
	b, err := o.Relay("r1", "c1", "https://r1.example.com")
	dir, _ := unpacked(t, b, err)
	c, err := roles.LoadRelay(filepath.Join(dir, roles.RelayConfigName))
	if err != nil || c.TLSCert != "mine.pem" || len(c.ACME.Names) > 0 || c.MaxRequests != 7 || c.Listen != "0.0.0.0:443" {
		t.Errorf("%+v, %v", c, err)
	}
	settings("max_request: 7\n")
	if _, err := o.Relay("r1", "c1", ""); err == nil || !strings.Contains(err.Error(), "hosts/r1.yaml") || !strings.Contains(err.Error(), "max_request") {
		t.Errorf("a key that does not exist: %v", err)
	}
}
