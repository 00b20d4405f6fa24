package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func FuzzVerifyFeed(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	good := SignFeed(fixtures.SigningKey(5), "c1", "GET", "/v1/feed?after=1", now)
	f.Add(good)
	f.Add(good + "=")
	f.Add(good + "\n")
	f.Add(strings.Replace(good, "ts=", "ts=0", 1))
	f.Add("Heliograph-Feed ts=,key=,sig=")
	f.Fuzz(func(t *testing.T, authorization string) {
		key, err := VerifyFeed(authorization, "c1", "GET", "/v1/feed?after=1", now, time.Minute, fixtures.PublicKey(5))
		if err == nil && (authorization != good || !key.Equal(fixtures.PublicKey(5))) {
			t.Fatalf("a forged header is accepted: %q", authorization)
		}
	})
}

func FuzzVerifyRelay(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	good := SignRelay(fixtures.SigningKey(6), "c1", "AS64501, DE", []byte("body"), now)
	f.Add(good, "AS64501, DE")
	f.Add(good+"=", "AS64501, DE")
	f.Add(strings.Replace(good, "ts=", "ts=0", 1), "AS0, ZZ")
	f.Add("Heliograph-Relay ts=,key=,body=,sig=", "")
	f.Fuzz(func(t *testing.T, authorization, network string) {
		if n, err := ParseNetwork(network); err == nil && n.String() != network {
			t.Fatalf("%q is taken for %v", network, n)
		}
		_, err := VerifyRelay(authorization, "c1", network, now, time.Minute, fixtures.PublicKey(6))
		if err == nil && (authorization != good || network != "AS64501, DE") {
			t.Fatalf("a forged header is accepted: %q, %q", authorization, network)
		}
	})
}

func FuzzVerifyGatewayKeys(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	good := SignGatewayKeys(fixtures.SigningKey(3), "c1", []byte("list"), now)
	f.Add(good, []byte("list"))
	f.Add(good+" ", []byte("list"))
	f.Add("ts=,sig=", []byte{})
	f.Fuzz(func(t *testing.T, header string, list []byte) {
		if err := VerifyGatewayKeys(header, "c1", list, now, fixtures.PublicKey(3)); err == nil && (header != good || string(list) != "list") {
			t.Fatalf("a forged header is accepted: %q", header)
		}
	})
}
