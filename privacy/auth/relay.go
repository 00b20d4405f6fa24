package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// ErrRelay says that a request is not signed by a relay whose word is taken, or not now.
var ErrRelay = errors.New("request is not signed by a known relay")

const (
	relayScheme  = "Heliograph-Relay "
	relayContext = "heliograph relay v1\x00"
)

// SignRelay returns the Authorization header for a request that a relay forwards to the collector
// with this id, with protocol.HeaderNetwork as network. body is the encapsulated request, so that
// what is said of one client is never taken for another's.
func SignRelay(key ed25519.PrivateKey, collector, network string, body []byte, now time.Time) (authorization string) {
	ts, sum := strconv.FormatInt(now.Unix(), 10), sha256.Sum256(body)
	return relayScheme + "ts=" + ts +
		",key=" + authEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) +
		",body=" + authEncoding.EncodeToString(sum[:]) +
		",sig=" + authEncoding.EncodeToString(ed25519.Sign(key, authMessage(relayContext, sum[:], ts, collector, network)))
}

// VerifyRelay returns the SHA-256 of the body for which one of the keys signed the header, at most
// skew from now in either direction. It needs the header alone, so that a gateway knows its relay
// before it reads the body; it must then compare. Every error wraps ErrRelay.
func VerifyRelay(authorization, collector, network string, now time.Time, skew time.Duration, keys ...ed25519.PublicKey) (
	body [sha256.Size]byte, err error) {
	v, ok := authValues(authorization, relayScheme, "ts", "key", "body", "sig")
	if !ok {
		return body, wire.Because(ErrRelay, malformedHeader)
	}
	sum, ok := authBytes(v[2], sha256.Size)
	if !ok {
		return body, wire.Because(ErrRelay, malformedHeader)
	}
	_, fault := checkSigned(v[0], v[1], v[3], authMessage(relayContext, sum, v[0], collector, network), now, skew, keys)
	if fault != "" {
		return body, wire.Because(ErrRelay, fault)
	}
	return [sha256.Size]byte(sum), nil
}
