package auth

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func TestGoldenFeedAuthorization(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	made := SignFeed(fixtures.SigningKey(5), "c1", "GET", "/v1/feed?after=7&limit=100&wait=20s", now)
	file := string(fixtures.Golden(t, "feed-authorization.txt", func() []byte { return []byte(made) }))
	if file != made {
		t.Error("the same request makes another header")
	}
	if _, err := VerifyFeed(file, "c1", "GET", "/v1/feed?after=7&limit=100&wait=20s", now, 0, fixtures.PublicKey(5)); err != nil {
		t.Error(err)
	}
}
