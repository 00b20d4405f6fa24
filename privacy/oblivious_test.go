package privacy

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// obliviousPolicy is testPolicy with a relay before its first collector.
func obliviousPolicy(tb testing.TB) *Policy {
	p := testPolicy(tb)
	p.Collectors[0].Relay = "https://relay.example-b.net/v1/oblivious"
	p.Collectors[0].ObliviousKeys = append([]byte{0, 3}, "key"...)
	return p
}

func TestGoldenObliviousPolicy(t *testing.T) {
	p := obliviousPolicy(t)
	b := signed(t, p, signingKey(1))
	file := golden(t, "policy-oblivious.bin", func() []byte { return b })
	if !bytes.Equal(file, b) {
		t.Error("the same policy makes another file")
	}
	if got, err := OpenPolicy(file, publicKey(1)); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRelayFaultsNameTheirKeys(t *testing.T) {
	for _, c := range []struct {
		key    string
		change func(*Collector)
	}{
		{"relay", func(c *Collector) { c.Relay = "relay.example" }},
		{"relay", func(c *Collector) { c.Relay = "http://relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "ftp://relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://u@relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example:443/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://Relay.example/v1/oblivious" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example/v1?q" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example/v1#f" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example/a/../b" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example//b" }},
		{"relay", func(c *Collector) { c.Relay = "https://relay.example/" + strings.Repeat("a", MaxRelayURL) }},
		{"relay", func(c *Collector) { c.Relay = c.URL + PathOblivious }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = nil }},
		{"oblivious_keys", func(c *Collector) { c.Relay = "" }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = []byte{0} }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = []byte{0, 0} }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = []byte{0, 2, 1} }},
		{"oblivious_keys", func(c *Collector) { c.ObliviousKeys = make([]byte, MaxObliviousKeys+1) }},
	} {
		p := obliviousPolicy(t)
		c.change(&p.Collectors[0])
		if err := p.Validate(); err == nil || !strings.Contains("\n"+err.Error(), "\ncollectors[0]."+c.key+": ") {
			t.Errorf("want a fault of %s, got %v", c.key, err)
		}
	}
	for _, url := range []string{"https://relay.example", "https://relay.example:8443/a/b", "http://127.0.0.2:8420/v1/oblivious"} {
		p := obliviousPolicy(t)
		p.Collectors[0].Relay = url
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestNetwork(t *testing.T) {
	for _, n := range []Network{{0, "ZZ"}, {64501, "DE"}, {1<<32 - 1, "SE"}} {
		if got, err := ParseNetwork(n.String()); err != nil || got != n {
			t.Errorf("%v: %v, %v", n, got, err)
		}
	}
	for _, s := range []string{"", "AS1", "AS1, de", "AS1, DEU", "AS01, DE", "AS+1, DE", "1, DE", "AS4294967296, DE", "AS1,DE", "AS1, DE ", "192.0.2.1", "AS1, D\n"} {
		if n, err := ParseNetwork(s); !errors.Is(err, ErrMalformed) || n != (Network{}) {
			t.Errorf("%q: %v, %v", s, n, err)
		}
	}
}

func TestRelayAuthorization(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	made := SignRelay(signingKey(6), "c1", "AS64501, DE", []byte("body"), now)
	if file := string(golden(t, "relay-authorization.txt", func() []byte { return []byte(made) })); file != made {
		t.Error("the same request makes another header")
	}
	known := []ed25519.PublicKey{publicKey(5), publicKey(6)}
	verify := func(header, collector, network string, at time.Time, keys []ed25519.PublicKey) error {
		sum, err := VerifyRelay(header, collector, network, at, time.Minute, keys...)
		if err == nil && sum != sha256.Sum256([]byte("body")) || err != nil && sum != [32]byte{} {
			t.Errorf("body %x, %v", sum, err)
		}
		return err
	}
	for _, at := range []time.Time{now, now.Add(time.Minute), now.Add(-time.Minute)} {
		if err := verify(made, "c1", "AS64501, DE", at, known); err != nil {
			t.Errorf("at %v: %v", at, err)
		}
	}
	for name, err := range map[string]error{
		"another collector":     verify(made, "c2", "AS64501, DE", now, known),
		"another network":       verify(made, "c1", "AS64502, DE", now, known),
		"later":                 verify(made, "c1", "AS64501, DE", now.Add(61*time.Second), known),
		"earlier":               verify(made, "c1", "AS64501, DE", now.Add(-61*time.Second), known),
		"an unknown relay":      verify(made, "c1", "AS64501, DE", now, known[:1]),
		"no relay":              verify(made, "c1", "AS64501, DE", now, nil),
		"a feed's":              verify(SignFeed(signingKey(6), "c1", "POST", "/", now), "c1", "AS64501, DE", now, known),
		"another body":          verify(strings.Replace(made, "body=", "body=A", 1), "c1", "AS64501, DE", now, known),
		"another key's name":    verify(strings.Replace(made, authEncoding.EncodeToString(publicKey(6)), authEncoding.EncodeToString(publicKey(5)), 1), "c1", "AS64501, DE", now, known),
		"a time before 1970":    verify(strings.Replace(made, "ts=", "ts=-", 1), "c1", "AS64501, DE", now, known),
		"something after it":    verify(made+",x=y", "c1", "AS64501, DE", now, known),
		"something in its list": verify(strings.Replace(made, ",body", ",x=y,body", 1), "c1", "AS64501, DE", now, known),
		"nothing":               verify("", "c1", "AS64501, DE", now, known),
	} {
		if !errors.Is(err, ErrRelay) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGatewayKeysSignature(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	made := SignGatewayKeys(signingKey(3), "c1", []byte("list"), now.Add(59*time.Minute))
	if file := string(golden(t, "gateway-keys.txt", func() []byte { return []byte(made) })); file != made {
		t.Error("the same keys make another header")
	}
	for _, at := range []time.Time{now, now.Add(GatewayKeysValid), now.Add(-GatewayKeysValid)} {
		if err := VerifyGatewayKeys(made, "c1", []byte("list"), at, publicKey(3)); err != nil {
			t.Errorf("at %v: %v", at, err)
		}
	}
	for name, err := range map[string]error{
		"another collector": VerifyGatewayKeys(made, "c2", []byte("list"), now, publicKey(3)),
		"another list":      VerifyGatewayKeys(made, "c1", []byte("other"), now, publicKey(3)),
		"another key":       VerifyGatewayKeys(made, "c1", []byte("list"), now, publicKey(4)),
		"no key":            VerifyGatewayKeys(made, "c1", []byte("list"), now, nil),
		"a day later":       VerifyGatewayKeys(made, "c1", []byte("list"), now.Add(GatewayKeysValid+time.Second), publicKey(3)),
		"nothing":           VerifyGatewayKeys("", "c1", []byte("list"), now, publicKey(3)),
		"a receipt":         VerifyGatewayKeys("ts=1800000000,sig="+authEncoding.EncodeToString(receipts(t, signingKey(3), testStatements[0])[0][4:68]), "c1", []byte("list"), now, publicKey(3)),
	} {
		if !errors.Is(err, ErrGatewayKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No header but those that were signed is accepted.
func FuzzVerifyRelay(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	good := SignRelay(signingKey(6), "c1", "AS64501, DE", []byte("body"), now)
	f.Add(good, "AS64501, DE")
	f.Add(good+"=", "AS64501, DE")
	f.Add(strings.Replace(good, "ts=", "ts=0", 1), "AS0, ZZ")
	f.Add("Heliograph-Relay ts=,key=,body=,sig=", "")
	f.Fuzz(func(t *testing.T, authorization, network string) {
		if n, err := ParseNetwork(network); err == nil && n.String() != network {
			t.Fatalf("%q is taken for %v", network, n)
		}
		_, err := VerifyRelay(authorization, "c1", network, now, time.Minute, publicKey(6))
		if err == nil && (authorization != good || network != "AS64501, DE") {
			t.Fatalf("a forged header is accepted: %q, %q", authorization, network)
		}
	})
}

func FuzzVerifyGatewayKeys(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	good := SignGatewayKeys(signingKey(3), "c1", []byte("list"), now)
	f.Add(good, []byte("list"))
	f.Add(good+" ", []byte("list"))
	f.Add("ts=,sig=", []byte{})
	f.Fuzz(func(t *testing.T, header string, list []byte) {
		if err := VerifyGatewayKeys(header, "c1", list, now, publicKey(3)); err == nil && (header != good || string(list) != "list") {
			t.Fatalf("a forged header is accepted: %q", header)
		}
	})
}
