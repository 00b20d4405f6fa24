package auth_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/heliograph-net/heliograph/privacy/auth"
)

// A request for the feed of one collector is not valid at another.
func ExampleSignFeed() {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	now := time.Now()
	header := auth.SignFeed(private, "c1", "GET", "/v1/feed?after=7", now)
	_, err = auth.VerifyFeed(header, "c1", "GET", "/v1/feed?after=7", now, time.Minute, public)
	fmt.Println("at c1:", err)
	_, err = auth.VerifyFeed(header, "c2", "GET", "/v1/feed?after=7", now, time.Minute, public)
	fmt.Println("at c2:", errors.Is(err, auth.ErrFeed))
	// Output:
	// at c1: <nil>
	// at c2: true
}
