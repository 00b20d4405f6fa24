package auth

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func TestFeedAuthorization(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	header := SignFeed(fixtures.SigningKey(5), "c1", "GET", "/v1/feed?after=7", now)
	keys := []ed25519.PublicKey{fixtures.PublicKey(4), fixtures.PublicKey(5)}
	for _, c := range []struct {
		name, header, collector, method, uri string
		now                                  time.Time
		keys                                 []ed25519.PublicKey
		ok                                   bool
	}{
		{"good", header, "c1", "GET", "/v1/feed?after=7", now, keys, true},
		{"clocks apart, within the skew", header, "c1", "GET", "/v1/feed?after=7", now.Add(time.Minute), keys, true},
		{"clocks apart the other way", header, "c1", "GET", "/v1/feed?after=7", now.Add(-time.Minute), keys, true},
		{"too late", header, "c1", "GET", "/v1/feed?after=7", now.Add(61 * time.Second), keys, false},
		{"too early", header, "c1", "GET", "/v1/feed?after=7", now.Add(-61 * time.Second), keys, false},
		{"passed on to another collector", header, "c2", "GET", "/v1/feed?after=7", now, keys, false},
		{"another cursor", header, "c1", "GET", "/v1/feed?after=8", now, keys, false},
		{"another method", header, "c1", "POST", "/v1/feed?after=7", now, keys, false},
		{"parts moved", header, "c1G", "ET", "/v1/feed?after=7", now, keys, false},
		{"unknown key", header, "c1", "GET", "/v1/feed?after=7", now, keys[:1], false},
		{"no key known", header, "c1", "GET", "/v1/feed?after=7", now, nil, false},
		{"missing", "", "c1", "GET", "/v1/feed?after=7", now, keys, false},
		{"another scheme", "Bearer abc", "c1", "GET", "/v1/feed?after=7", now, keys, false},
		{"endless", header + strings.Repeat("A", 1<<20), "c1", "GET", "/v1/feed?after=7", now, keys, false},
		{"padded", header + "==", "c1", "GET", "/v1/feed?after=7", now, keys, false},
		{"with a line end", header + "\n", "c1", "GET", "/v1/feed?after=7", now, keys, false},
		{"time with a zero before it", strings.Replace(header, "ts=", "ts=0", 1), "c1", "GET", "/v1/feed?after=7", now, keys, false},
		{"time that overflows", strings.Replace(header, "ts=1800000000", "ts=-9223372036854775808", 1), "c1", "GET", "/v1/feed?after=7", now, keys, false},
	} {
		key, err := VerifyFeed(c.header, c.collector, c.method, c.uri, c.now, time.Minute, c.keys...)
		if (err == nil) != c.ok || (err != nil && !errors.Is(err, ErrFeed)) || (c.ok && !key.Equal(fixtures.PublicKey(5))) {
			t.Errorf("%s: %x, %v", c.name, key, err)
		}
	}
}

func TestEveryBitOfFeedAuthorizationCounts(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	fixtures.FlipEach([]byte(SignFeed(fixtures.SigningKey(5), "c1", "GET", "/", now)), func(bit int, flipped []byte) {
		if _, err := VerifyFeed(string(flipped), "c1", "GET", "/", now, time.Hour, fixtures.PublicKey(5)); !errors.Is(err, ErrFeed) {
			t.Fatalf("bit %d of byte %d can change", bit%8, bit/8)
		}
	})
}
