package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

func TestNetwork(t *testing.T) {
	for _, n := range []Network{{Country: "ZZ"}, {ASN: 64501, Country: "DE"}, {ASN: 1<<32 - 1, Country: "SE"}, {Country: "ZZ", Bucket: 1},
		{ASN: 64501, Country: "DE", Bucket: report.MaxBucket}} {
		if got, err := ParseNetwork(n.String()); err != nil || got != n {
			t.Errorf("%v: %v, %v", n, got, err)
		}
	}
	for _, s := range []string{"", "AS1", "AS1, de", "AS1, DEU", "AS01, DE", "AS+1, DE", "1, DE", "AS4294967296, DE", "AS1,DE", "AS1, DE ", "192.0.2.1", "AS1, D\n",
		"AS1, DE, ", "AS1, DE, 0", "AS1, DE, 01", "AS1, DE, 4097", "AS1, DE, x", "AS1, DE, 7, 7"} {
		if n, err := ParseNetwork(s); !errors.Is(err, privacy.ErrMalformed) || n != (Network{}) {
			t.Errorf("%q: %v, %v", s, n, err)
		}
	}
}

func TestRelayAuthorization(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	made := SignRelay(fixtures.SigningKey(6), "c1", "AS64501, DE", []byte("body"), now)
	if file := string(fixtures.Golden(t, "relay-authorization.txt", func() []byte { return []byte(made) })); file != made {
		t.Error("the same request makes another header")
	}
	known := []ed25519.PublicKey{fixtures.PublicKey(5), fixtures.PublicKey(6)}
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
		"a feed's":              verify(SignFeed(fixtures.SigningKey(6), "c1", "POST", "/", now), "c1", "AS64501, DE", now, known),
		"another body":          verify(strings.Replace(made, "body=", "body=A", 1), "c1", "AS64501, DE", now, known),
		"another key's name":    verify(strings.Replace(made, authEncoding.EncodeToString(fixtures.PublicKey(6)), authEncoding.EncodeToString(fixtures.PublicKey(5)), 1), "c1", "AS64501, DE", now, known),
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
	aReceipt, err := receipt.Sign(fixtures.SigningKey(3), []receipt.Statement{{Batch: fixtures.Batch, Body: sha256.Sum256([]byte("body")), Decision: receipt.Stored}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	made := SignGatewayKeys(fixtures.SigningKey(3), "c1", []byte("list"), now.Add(59*time.Minute))
	if file := string(fixtures.Golden(t, "gateway-keys.txt", func() []byte { return []byte(made) })); file != made {
		t.Error("the same keys make another header")
	}
	for _, at := range []time.Time{now, now.Add(gatewayKeysValid), now.Add(-gatewayKeysValid)} {
		if err := VerifyGatewayKeys(made, "c1", []byte("list"), at, fixtures.PublicKey(3)); err != nil {
			t.Errorf("at %v: %v", at, err)
		}
	}
	for name, err := range map[string]error{
		"another collector": VerifyGatewayKeys(made, "c2", []byte("list"), now, fixtures.PublicKey(3)),
		"another list":      VerifyGatewayKeys(made, "c1", []byte("other"), now, fixtures.PublicKey(3)),
		"another key":       VerifyGatewayKeys(made, "c1", []byte("list"), now, fixtures.PublicKey(4)),
		"no key":            VerifyGatewayKeys(made, "c1", []byte("list"), now, nil),
		"a day later":       VerifyGatewayKeys(made, "c1", []byte("list"), now.Add(gatewayKeysValid+time.Second), fixtures.PublicKey(3)),
		"nothing":           VerifyGatewayKeys("", "c1", []byte("list"), now, fixtures.PublicKey(3)),
		"a receipt":         VerifyGatewayKeys("ts=1800000000,sig="+authEncoding.EncodeToString(aReceipt[0][4:68]), "c1", []byte("list"), now, fixtures.PublicKey(3)),
	} {
		if !errors.Is(err, ErrGatewayKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
