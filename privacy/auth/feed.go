package auth

import (
	"crypto/ed25519"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// ErrFeed says that a request for a collector's feed is not signed by a key that may read it, or
// not now, or not to this collector.
var ErrFeed = errors.New("feed request is not authorized")

const (
	feedScheme  = "Heliograph-Feed "
	feedContext = "heliograph feed v1\x00"
)

// SignFeed returns the Authorization header for a detector's request to the feed of the collector
// with this id. requestURI is the request's path and query as it goes over the wire. The
// collector's id is signed because a request acknowledges what was read before: a collector that
// passed on the requests it gets could otherwise make another one forget batches that
// nobody has read.
func SignFeed(key ed25519.PrivateKey, collector, method, requestURI string, now time.Time) (authorization string) {
	ts := strconv.FormatInt(now.Unix(), 10)
	sig := ed25519.Sign(key, authMessage(feedContext, requestURI, ts, collector, method))
	return feedScheme + "ts=" + ts +
		",key=" + authEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) +
		",sig=" + authEncoding.EncodeToString(sig)
}

// VerifyFeed returns which of the keys signed the request, at most skew from now in either
// direction. A request that was overheard can be repeated for that long, which gives nothing to
// anyone who cannot read the answer: the feed must go over TLS. Every error wraps ErrFeed.
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
