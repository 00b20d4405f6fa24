package auth

import (
	"crypto/ed25519"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// ErrFeed is returned, wrapped, for a request for a feed that is not signed by a key that may read
// the feed, was not signed recently, or is meant for another collector.
var ErrFeed = errors.New("feed request is not authorized")

const (
	feedScheme  = "Heliograph-Feed "
	feedContext = "heliograph feed v1\x00"
)

// SignFeed returns the Authorization header of a detector's request for the feed of the collector
// with the given id. requestURI is the request's path and query as sent.
//
// The signature covers the collector's id because a request acknowledges what was read before.
// Otherwise a collector could forward the requests that it gets and make another collector delete
// batches that nobody has read.
func SignFeed(key ed25519.PrivateKey, collector, method, requestURI string, now time.Time) (authorization string) {
	ts := strconv.FormatInt(now.Unix(), 10)
	sig := ed25519.Sign(key, authMessage(feedContext, requestURI, ts, collector, method))
	return feedScheme + "ts=" + ts +
		",key=" + authEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) +
		",sig=" + authEncoding.EncodeToString(sig)
}

// VerifyFeed returns the one of keys that signed the request, at a time at most skew before or
// after now. Within that time a request can be replayed, which is useless to anyone who cannot read
// the answer; so the feed must be served over TLS. Every error wraps [ErrFeed].
func VerifyFeed(authorization, collector, method, requestURI string, now time.Time, skew time.Duration, keys ...ed25519.PublicKey) (
	ed25519.PublicKey, error) {
	v, ok := authValues(authorization, feedScheme, "ts", "key", "sig")
	if !ok {
		return nil, wire.Because(ErrFeed, malformedHeader)
	}
	key, fault := checkSigned(v[0], v[1], v[2], authMessage(feedContext, requestURI, v[0], collector, method), now, skew, keys)
	if fault != "" {
		return nil, wire.Because(ErrFeed, fault)
	}
	return key, nil
}
