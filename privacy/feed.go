package privacy

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// ErrFeed says that a request for a collector's feed is not signed by a key that may read it, or not now, or not to this collector.
var ErrFeed = errors.New("feed request is not authorized")

const (
	feedScheme  = "Heliograph-Feed "
	feedContext = "heliograph feed v1\x00"
	maxFeedAuth = 256 // bytes of an Authorization header
)

var feedEncoding = base64.RawURLEncoding.Strict()

// SignFeed returns the Authorization header for a detector's request to the feed of the collector with this id. requestURI is the
// request's path and query as it goes over the wire. The collector's id is signed because a request acknowledges what was read before:
// a collector that passed on the requests it gets could otherwise make another one forget batches that nobody has read.
func SignFeed(key ed25519.PrivateKey, collector, method, requestURI string, now time.Time) (authorization string) {
	ts := strconv.FormatInt(now.Unix(), 10)
	sig := ed25519.Sign(key, feedMessage(ts, collector, method, requestURI))
	return feedScheme + "ts=" + ts +
		",key=" + feedEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) +
		",sig=" + feedEncoding.EncodeToString(sig)
}

// VerifyFeed returns which of the keys signed the request, at most skew from now in either direction. A request that was overheard can
// be repeated for that long, which gives nothing to anyone who cannot read the answer: the feed must go over TLS. Every error wraps
// ErrFeed.
func VerifyFeed(authorization, collector, method, requestURI string, now time.Time, skew time.Duration, keys ...ed25519.PublicKey) (
	ed25519.PublicKey, error) {
	ts, key, sig, ok := parseFeedAuth(authorization)
	if !ok {
		return nil, because(ErrFeed, "malformed authorization header")
	}
	signed, err := strconv.ParseInt(ts, 10, 64)
	if err != nil || strconv.FormatInt(signed, 10) != ts {
		return nil, because(ErrFeed, "malformed time")
	}
	if age := now.Unix() - signed; signed < 0 || age > int64(skew/time.Second) || -age > int64(skew/time.Second) {
		return nil, because(ErrFeed, "signed at another time; are both clocks right?")
	}
	if !containsKey(keys, key) {
		return nil, because(ErrFeed, "unknown key")
	}
	if !ed25519.Verify(key, feedMessage(ts, collector, method, requestURI), sig) {
		return nil, because(ErrFeed, "signature does not match")
	}
	return key, nil
}

// parseFeedAuth takes the header apart. There is one way to write each header.
func parseFeedAuth(s string) (ts string, key ed25519.PublicKey, sig []byte, ok bool) {
	if len(s) > maxFeedAuth {
		return "", nil, nil, false
	}
	rest, ok1 := strings.CutPrefix(s, feedScheme+"ts=")
	ts, rest, ok2 := strings.Cut(rest, ",key=")
	k, g, ok3 := strings.Cut(rest, ",sig=")
	if !ok1 || !ok2 || !ok3 || strings.ContainsAny(rest, "\r\n") { // base64 decoders pass over line ends
		return "", nil, nil, false
	}
	key, err1 := feedEncoding.DecodeString(k)
	sig, err2 := feedEncoding.DecodeString(g)
	ok = err1 == nil && err2 == nil && len(key) == ed25519.PublicKeySize && len(sig) == ed25519.SignatureSize
	return ts, key, sig, ok
}

// feedMessage is what is signed. Each part but the last follows its length, so that no part can be taken for another.
func feedMessage(ts, collector, method, requestURI string) []byte {
	b := []byte(feedContext)
	for _, part := range [...]string{ts, collector, method} {
		b = append(strconv.AppendInt(b, int64(len(part)), 10), ':')
		b = append(b, part...)
	}
	return append(b, requestURI...)
}
