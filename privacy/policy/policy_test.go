package policy

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report"
)

func TestPolicyComesBack(t *testing.T) {
	p := testPolicy(t)
	b := signed(t, p, fixtures.SigningKey(1))
	got, err := Open(b, fixtures.PublicKey(9), fixtures.PublicKey(1))
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Fatalf("%+v, %v", got, err)
	}
	clear(b)
	if !reflect.DeepEqual(got, p) {
		t.Error("the policy shares memory with the file")
	}
}

func TestSignPolicyWritesDefaultsIn(t *testing.T) {
	p := testPolicy(t)
	p.SuccessPPM, p.WindowMS, p.SamplesPerWindow, p.RefreshSeconds, p.BytesPerDay, p.EarlyMS = 0, 0, 0, 0, 0, 0
	got, err := Open(signed(t, p, fixtures.SigningKey(1)), fixtures.PublicKey(1))
	if err != nil {
		t.Fatal(err)
	}
	want := testPolicy(t)
	want.SuccessPPM, want.WindowMS, want.SamplesPerWindow, want.RefreshSeconds, want.BytesPerDay = 50_000, 60_000, 5, 3600, 10<<20
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if p.WindowMS != 0 {
		t.Error("the caller's policy was changed")
	}
	// An agent of another version may have other defaults. A file that leaves out a number would be
	// ambiguous, so it is refused.
	if _, err := Open(signedBody(appendPolicy(nil, p), fixtures.SigningKey(1)), fixtures.PublicKey(1)); !errors.Is(err, privacy.ErrMalformed) {
		t.Errorf("without its numbers: %v", err)
	}
}

func TestOpenPolicyRefuses(t *testing.T) {
	good := signed(t, testPolicy(t), fixtures.SigningKey(1))
	for _, c := range []struct {
		name    string
		file    []byte
		trusted []ed25519.PublicKey
		want    error
	}{
		{"nobody trusted", good, nil, ErrSignature},
		{"another trusted", good, []ed25519.PublicKey{fixtures.PublicKey(2)}, ErrSignature},
		{"another's name on it", append(append(bytes.Clone(good[:4]), fixtures.PublicKey(2)...), good[signatureAt:]...), []ed25519.PublicKey{fixtures.PublicKey(2)}, ErrSignature},
		{"next version", append([]byte("HGP\x02"), good[4:]...), []ed25519.PublicKey{fixtures.PublicKey(1)}, privacy.ErrVersion},
		{"a segment", append([]byte("HGS\x01"), good[4:]...), []ed25519.PublicKey{fixtures.PublicKey(1)}, privacy.ErrMalformed},
		{"captive portal", []byte("<html>please log in</html>"), []ed25519.PublicKey{fixtures.PublicKey(1)}, privacy.ErrMalformed},
		{"too large", append(bytes.Clone(good), make([]byte, MaxSize)...), []ed25519.PublicKey{fixtures.PublicKey(1)}, privacy.ErrTooLarge},
		{"no body", good[:bodyAt], []ed25519.PublicKey{fixtures.PublicKey(1)}, privacy.ErrTruncated},
	} {
		if p, err := Open(c.file, c.trusted...); !errors.Is(err, c.want) || p != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestEveryBitOfPolicyCounts(t *testing.T) {
	b := signed(t, testPolicy(t), fixtures.SigningKey(1))
	fixtures.FlipEach(b, func(bit int, flipped []byte) {
		if p, err := Open(flipped, fixtures.PublicKey(1)); err == nil || p != nil {
			t.Fatalf("bit %d of byte %d can change: %v", bit%8, bit/8, err)
		}
	})
	for n := range b {
		p, err := Open(b[:n:n], fixtures.PublicKey(1))
		want := privacy.ErrTruncated
		if n > bodyAt {
			want = ErrSignature
		}
		if !errors.Is(err, want) || p != nil {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestPolicySigner(t *testing.T) {
	b := signed(t, testPolicy(t), fixtures.SigningKey(5))
	key, err := Signer(b)
	if err != nil || !key.Equal(fixtures.PublicKey(5)) {
		t.Fatalf("%x, %v", key, err)
	}
	if p, err := Open(b, key); err != nil || p.Version != 7 {
		t.Error(err)
	}
}

func TestNextPolicy(t *testing.T) {
	held := testPolicy(t)
	with := func(change func(*Policy), key byte) []byte {
		p := testPolicy(t)
		change(p)
		return signed(t, p, fixtures.SigningKey(key))
	}
	for _, c := range []struct {
		name    string
		file    []byte
		version uint64
		err     error
	}{
		{"newer", with(func(p *Policy) { p.Version = 8 }, 1), 8, nil},
		{"newer, by the other signer", with(func(p *Policy) { p.Version = 9 }, 2), 9, nil},
		{"newer, by a stranger", with(func(p *Policy) { p.Version = 8 }, 3), 0, ErrSignature},
		{"newer, by one whom it names itself", with(func(p *Policy) { p.Version, p.Signers = 8, [][]byte{fixtures.PublicKey(3)} }, 3), 0, ErrSignature},
		{"the same", with(func(p *Policy) {}, 1), 7, nil},
		{"the same, signed by the other", with(func(p *Policy) {}, 2), 7, nil},
		{"same version, other content", with(func(p *Policy) { p.Disabled = true }, 1), 0, ErrRollback},
		{"older", with(func(p *Policy) { p.Version = 6 }, 1), 0, ErrRollback},
	} {
		next, err := held.Next(c.file)
		if !errors.Is(err, c.err) || (err == nil) != (next != nil) || (next != nil && next.Version != c.version) {
			t.Errorf("%s: %+v, %v", c.name, next, err)
		}
	}
}

func TestEffectiveConsent(t *testing.T) {
	before, after := time.Unix(1_802_591_999, 0), time.Unix(1_802_592_000, 0)
	const off, counts, diagnostics = report.Off, report.Counts, report.Diagnostics
	for _, c := range []struct {
		user, max report.Consent
		disabled  bool
		now       time.Time
		want      report.Consent
	}{
		{diagnostics, diagnostics, false, before, diagnostics},
		{counts, diagnostics, false, before, counts},
		{off, diagnostics, false, before, off},
		{diagnostics, counts, false, before, counts},
		{diagnostics, off, false, before, off},
		{diagnostics, diagnostics, true, before, off},
		{diagnostics, diagnostics, false, after, counts},
		{counts, diagnostics, false, after, counts},
		{off, diagnostics, false, after, off},
		{diagnostics, off, false, after, off},
		{diagnostics, diagnostics, true, after, off},
	} {
		p := testPolicy(t)
		p.MaxConsent, p.Disabled = c.max, c.disabled
		if got := p.Effective(c.user, c.now); got != c.want {
			t.Errorf("user %v, policy %v, disabled %v, expired %v: %v, want %v", c.user, c.max, c.disabled, p.Expired(c.now), got, c.want)
		}
	}
}

func TestPolicyFaultsNameTheirKeys(t *testing.T) {
	for _, c := range []struct {
		key    string
		change func(*Policy)
	}{
		{"version", func(p *Policy) { p.Version = 0 }},
		{"issued", func(p *Policy) { p.Issued = 0 }},
		{"expires", func(p *Policy) { p.Expires = p.Issued }},
		{"expires", func(p *Policy) { p.Expires = 1 << 62 }},
		{"max_consent", func(p *Policy) { p.MaxConsent = 3 }},
		{"success_ppm", func(p *Policy) { p.SuccessPPM = report.FullPPM + 1 }},
		{"window_ms", func(p *Policy) { p.WindowMS = 99 }},
		{"window_ms", func(p *Policy) { p.WindowMS = 3_600_001 }},
		{"samples_per_window", func(p *Policy) { p.SamplesPerWindow = 101 }},
		{"refresh_seconds", func(p *Policy) { p.RefreshSeconds = 604_801 }},
		{"bytes_per_day", func(p *Policy) { p.BytesPerDay = 1<<40 + 1 }},
		{"early_ms", func(p *Policy) { p.EarlyMS = 99 }},
		{"early_ms", func(p *Policy) { p.EarlyMS = NeverEarly - 1 }},
		{"seal_key", func(p *Policy) { p.SealKey = p.SealKey[1:] }},
		{"collectors", func(p *Policy) { p.Collectors = nil }},
		{"collectors", func(p *Policy) { p.Collectors = make([]Collector, MaxCollectors+1) }},
		{"signers", func(p *Policy) { p.Signers = nil }},
		{"signers", func(p *Policy) { p.Signers = make([][]byte, MaxSigners+1) }},
		{"signers[1]", func(p *Policy) { p.Signers[1] = p.Signers[1][1:] }},
		{"signers[1]", func(p *Policy) { p.Signers[1] = p.Signers[0] }},
		{"collectors[1].id", func(p *Policy) { p.Collectors[1].ID = "c1" }},
		{"collectors[0].id", func(p *Policy) { p.Collectors[0].ID = "" }},
		{"collectors[0].id", func(p *Policy) { p.Collectors[0].ID = "C 1" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "c1.example.net" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "wss://c1.example.net" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "https://c1.example.net/" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "https://c1.example.net:443" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "https://C1.example.net" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "https://u:p@c1.example.net" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "http://c1.example.net" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "http://192.0.2.1:8417" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "http://localhost.example.net" }},
		{"collectors[0].url", func(p *Policy) { p.Collectors[0].URL = "http://127.0.0.1.example.net" }},
		{"collectors[0].priority", func(p *Policy) { p.Collectors[0].Priority = 1 << 16 }},
		{"collectors[0].weight", func(p *Policy) { p.Collectors[0].Weight = 1 << 16 }},
		{"collectors[0].addresses", func(p *Policy) { p.Collectors[0].Addresses = make([]string, MaxAddresses+1) }},
		{"collectors[0].addresses[0]", func(p *Policy) { p.Collectors[0].Addresses[0] = "192.0.2.1" }},
		{"collectors[0].addresses[0]", func(p *Policy) { p.Collectors[0].Addresses[0] = "192.0.2.1:0" }},
		{"collectors[0].addresses[0]", func(p *Policy) { p.Collectors[0].Addresses[0] = "0.0.0.0:443" }},
		{"collectors[0].addresses[0]", func(p *Policy) { p.Collectors[0].Addresses[0] = "c1.example.net:443" }},
		{"collectors[0].addresses[1]", func(p *Policy) { p.Collectors[0].Addresses[1] = "[fe80::1%eth0]:443" }},
		{"collectors[0].addresses[1]", func(p *Policy) { p.Collectors[0].Addresses[1] = "[2001:db8:0::1]:443" }},
		{"collectors[0].pins", func(p *Policy) { p.Collectors[0].Pins = make([][]byte, MaxPins+1) }},
		{"collectors[0].pins[0]", func(p *Policy) { p.Collectors[0].Pins[0] = []byte{1} }},
		{"collectors[0].receipt_key", func(p *Policy) { p.Collectors[0].ReceiptKey = nil }},
	} {
		p := testPolicy(t)
		c.change(p)
		err := p.Validate()
		if err == nil || !strings.Contains("\n"+err.Error(), "\n"+c.key+": ") {
			t.Errorf("want a fault of %s, got %v", c.key, err)
		}
		if _, err := Sign(p, fixtures.SigningKey(1)); err == nil {
			t.Errorf("a policy with a fault of %s was signed", c.key)
		}
	}
	if err := testPolicy(t).Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	if err := new(Policy).Validate(); strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("the faults of an empty policy are not all named: %v", err)
	}
}

func TestPlainHTTPToLoopbackOnly(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1", "http://127.3.2.1:8417", "http://[::1]:8417", "http://[::1]", "http://localhost:8417", "https://192.0.2.1"} {
		p := testPolicy(t)
		p.Collectors[0].URL = url
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
