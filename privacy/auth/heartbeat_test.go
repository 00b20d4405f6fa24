package auth

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func TestHeartbeatAuthorization(t *testing.T) {
	now, body := time.Unix(1_800_000_000, 0), []byte("bits")
	header := SignHeartbeat(fixtures.SigningKey(5), "fra", body, now)
	for name, c := range map[string]struct {
		header, vantage string
		now             time.Time
		key             byte
		ok              bool
	}{
		"good":            {header, "fra", now, 5, true},
		"clocks apart":    {header, "fra", now.Add(-time.Minute), 5, true},
		"too late":        {header, "fra", now.Add(61 * time.Second), 5, false},
		"another vantage": {header, "ams", now, 5, false},
		"unknown key":     {header, "fra", now, 4, false},
		"missing":         {"", "fra", now, 5, false},
		"a relay's":       {SignRelay(fixtures.SigningKey(5), "fra", "", body, now), "fra", now, 5, false},
	} {
		key, sum, err := VerifyHeartbeat(c.header, c.vantage, c.now, time.Minute, fixtures.PublicKey(c.key))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrHeartbeat) || c.ok && (!key.Equal(fixtures.PublicKey(5)) || sum != sha256.Sum256(body)) {
			t.Errorf("%s: %x, %x, %v", name, key, sum, err)
		}
	}
	fixtures.FlipEach([]byte(header), func(bit int, flipped []byte) {
		if _, _, err := VerifyHeartbeat(string(flipped), "fra", now, time.Hour, fixtures.PublicKey(5)); !errors.Is(err, ErrHeartbeat) {
			t.Fatalf("bit %d of byte %d can change", bit%8, bit/8)
		}
	})
}
