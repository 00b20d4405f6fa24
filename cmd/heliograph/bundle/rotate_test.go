package bundle_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/bundle"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// held opens the signed policy of an operator's directory, as an application that contains it
// would.
func held(t *testing.T, o bundle.Operator) (*policy.Policy, []byte) {
	t.Helper()
	signed, err := os.ReadFile(filepath.Join(o.Dir, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := policy.Signer(signed)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Open(signed, signer)
	if err != nil {
		t.Fatal(err)
	}
	return p, signed
}

// withTwo makes an operator's directory with two collectors, the second behind a relay.
func withTwo(t *testing.T) bundle.Operator {
	t.Helper()
	o := operator(t)
	for _, c := range []string{"c1", "c2"} {
		if _, err := o.Collector(c, "https://"+c+".example.net"); err != nil {
			t.Fatal(err)
		}
	}
	source := filepath.Join(o.Dir, "policy.yaml")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	behind := "    receipt_key: keys/receipt-c2.pub.pem\n    relay: https://relay.example/v1/oblivious\n    oblivious_keys: [keys/oblivious.pub.pem]\n"
	text = []byte(strings.Replace(string(text), "    receipt_key: keys/receipt-c2.pub.pem\n", behind, 1))
	if err := os.WriteFile(source, []byte(strings.Replace(string(text), "version: 3", "version: 4", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Collector("c2", ""); err != nil {
		t.Fatal(err)
	}
	return o
}

// keysOf returns the names of the keys in a bundle.
func keysOf(t *testing.T, b *bundle.Bundle, err error) (keys []string, config *roles.Config) {
	t.Helper()
	dir, names := unpacked(t, b, err)
	for _, n := range names {
		if after, ok := strings.CutPrefix(n, "keys/"); ok {
			keys = append(keys, after)
		}
	}
	config, err = roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	return keys, config
}

// TestBothKeysDuringARotation: between the two steps, each host can work with hosts that have only
// the old key or only the new one. Afterwards no host has the old one.
func TestBothKeysDuringARotation(t *testing.T) {
	const day = 24 * time.Hour
	collector := func(o bundle.Operator) (*bundle.Bundle, error) { return o.Collector("c2", "") }
	detector := func(o bundle.Operator) (*bundle.Bundle, error) { return o.Detector("watch") }
	for _, tt := range []struct {
		key    string
		bundle func(bundle.Operator) (*bundle.Bundle, error)
		during []string
		after  []string
		wait   time.Duration // the policy is valid for 90 days
	}{
		{"feed", collector, []string{"feed.old.pub.pem", "feed.pub.pem", "oblivious.pem", "receipt.pem"}, []string{"feed.pub.pem", "oblivious.pem", "receipt.pem"}, 0},
		{"open", detector, []string{"feed.pem", "open.old.pem", "open.pem"}, []string{"feed.pem", "open.pem"}, 120 * day},
		{"oblivious", collector, []string{"feed.pub.pem", "oblivious.old.pem", "oblivious.pem", "receipt.pem"}, []string{"feed.pub.pem", "oblivious.pem", "receipt.pem"}, 90 * day},
	} {
		t.Run(tt.key, func(t *testing.T) {
			o := withTwo(t)
			now := time.Now()
			old, _ := held(t, o)
			until, err := o.Rotate(tt.key, now)
			if err != nil {
				t.Fatal(err)
			}
			if d := until.Sub(now) - tt.wait; d < -time.Minute || d > time.Minute {
				t.Errorf("the old key is needed for %v, want %v", until.Sub(now), tt.wait)
			}
			b, err := tt.bundle(o)
			during, config := keysOf(t, b, err)
			if !slices.Equal(during, tt.during) {
				t.Errorf("during the rotation the host has %v, want %v", during, tt.during)
			}
			named := slices.Concat(config.Collector.FeedKeys, config.Collector.ObliviousKeys, config.Detector.OpenKeys)
			if old := slices.DeleteFunc(during, func(k string) bool { return !strings.Contains(k, ".old.") }); !slices.Contains(named, "keys/"+old[0]) {
				t.Errorf("its configuration names %v and not %v", named, old)
			}
			if p, _ := held(t, o); tt.key != "feed" && p.Version != old.Version+1 {
				t.Errorf("the policy has version %d after %d", p.Version, old.Version)
			}
			if _, err := o.Rotate(tt.key, now); err == nil || !strings.Contains(err.Error(), "finish") {
				t.Errorf("a second rotation within the first: %v", err)
			}
			if err := o.Finish(tt.key, false, until.Add(-time.Second)); !errors.Is(err, bundle.ErrTooEarly) {
				t.Errorf("before its time: %v", err)
			}
			if err := o.Finish(tt.key, false, until); err != nil {
				t.Fatal(err)
			}
			b, err = tt.bundle(o)
			if after, _ := keysOf(t, b, err); !slices.Equal(after, tt.after) {
				t.Errorf("after the rotation the host has %v, want %v", after, tt.after)
			}
			if left, _ := filepath.Glob(filepath.Join(o.Dir, "keys/*old*")); len(left) > 0 {
				t.Errorf("%v are still there", left)
			}
			if err := o.Finish(tt.key, true, until); err == nil {
				t.Error("a rotation was finished twice")
			}
		})
	}
}

// TestPolicyKeyRotation: an agent accepts one policy after the other, because each names the
// signers of the next. An agent that misses the one in the middle does not.
func TestPolicyKeyRotation(t *testing.T) {
	o := withTwo(t)
	first, _ := held(t, o)
	if _, err := o.Rotate("policy", time.Now()); err != nil {
		t.Fatal(err)
	}
	_, middle := held(t, o)
	second, err := first.Next(middle)
	if err != nil {
		t.Fatalf("an agent refuses the policy with both signers: %v", err)
	}
	if err := o.Finish("policy", true, time.Now()); err != nil {
		t.Fatal(err)
	}
	_, last := held(t, o)
	third, err := second.Next(last)
	if err != nil {
		t.Fatalf("an agent refuses the policy of the new key: %v", err)
	}
	if len(third.Signers) != 1 {
		t.Errorf("%d keys may sign the next policy, want the new one alone", len(third.Signers))
	}
	if _, err := first.Next(last); err == nil {
		t.Error("an agent took a policy by a signer that it had not heard of")
	}
	if left, _ := filepath.Glob(filepath.Join(o.Dir, "keys/policy.next*")); len(left) > 0 {
		t.Errorf("%v are still there", left)
	}
}

func TestReceiptKeyRotation(t *testing.T) {
	o := withTwo(t)
	before, _ := held(t, o)
	for _, name := range []string{"c1", "c2"} {
		if err := o.RotateReceipt(name); err != nil {
			t.Fatal(err)
		}
		b, err := o.Collector(name, "")
		if keys, _ := keysOf(t, b, err); !slices.Contains(keys, "receipt.pem") {
			t.Errorf("%s has %v", name, keys)
		}
	}
	after, signed := held(t, o)
	if _, err := before.Next(signed); err != nil || after.Version != before.Version+2 {
		t.Errorf("version %d after %d, %v", after.Version, before.Version, err)
	}
	for i := range after.Collectors {
		if string(after.Collectors[i].ReceiptKey) == string(before.Collectors[i].ReceiptKey) {
			t.Errorf("%s has its old key", after.Collectors[i].ID)
		}
	}
	if err := o.RotateReceipt("c9"); err == nil {
		t.Error("a collector that nobody knows has a new key")
	}
}

// TestFailedRotation: a rotation that fails can be repeated once its cause is removed.
func TestFailedRotation(t *testing.T) {
	o := withTwo(t)
	name := filepath.Join(o.Dir, "keys/oblivious.pem")
	key, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Rotate("oblivious", time.Now()); err == nil {
		t.Fatal("a key that cannot be read was rotated")
	}
	if err := o.Finish("oblivious", true, time.Now()); err == nil {
		t.Error("a rotation that failed could be finished")
	}
	if err := os.WriteFile(name, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Rotate("oblivious", time.Now()); err != nil {
		t.Error(err)
	}
}

func TestRevoke(t *testing.T) {
	o := withTwo(t)
	if _, err := o.Prober("fra-1", 64501); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Relay("r1", "c2", ""); err != nil {
		t.Fatal(err)
	}
	before, _ := held(t, o)
	if err := errors.Join(o.RevokeCollector("c2"), o.RevokeProber("fra-1"), o.RevokeRelay("r1")); err != nil {
		t.Fatal(err)
	}
	after, signed := held(t, o)
	if _, err := before.Next(signed); err != nil || len(after.Collectors) != 1 || after.Collectors[0].ID != "c1" {
		t.Errorf("%v, %v", after.Collectors, err)
	}
	b, err := o.Detector("watch")
	if _, config := keysOf(t, b, err); len(config.Detector.Feeds) != 1 || len(config.Detector.Vantages) != 0 {
		t.Errorf("the detector still believes %+v", config.Detector)
	}
	b, err = o.Collector("c1", "")
	if keys, _ := keysOf(t, b, err); slices.Contains(keys, "relay-r1.pub.pem") {
		t.Error("c1 still believes the relay")
	}
	if source, _ := os.ReadFile(filepath.Join(o.Dir, "policy.yaml")); !strings.Contains(string(source), "# upload cap per process") {
		t.Error("policy.yaml lost its comments")
	}
	if _, err := o.Collector("c2", "https://c2.example.net"); err != nil {
		t.Fatal(err)
	}
	back, _ := held(t, o)
	if string(back.Collectors[1].ReceiptKey) == string(before.Collectors[1].ReceiptKey) {
		t.Error("a collector that was revoked came back with its old key")
	}
	for what, err := range map[string]error{"collector": o.RevokeCollector("c9"), "prober": o.RevokeProber("fra-1"), "relay": o.RevokeRelay("r1")} {
		if err == nil {
			t.Errorf("a %s that nobody knows was revoked", what)
		}
	}
	if err := errors.Join(o.RevokeCollector("c2")); err != nil {
		t.Fatal(err)
	}
	if err := o.RevokeCollector("c1"); err == nil || !strings.Contains(err.Error(), "only collector") {
		t.Errorf("the last collector: %v", err)
	}
}
