package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// ErrRelay is returned, wrapped, for a request that is not signed by a trusted relay or was not
// signed recently.
var ErrRelay = errors.New("request is not signed by a known relay")

const (
	relayScheme  = "Heliograph-Relay "
	relayContext = "heliograph relay v1\x00"
)

// SignRelay returns the Authorization header of a request that a relay forwards to the collector
// with the given id. network is the value of protocol.HeaderNetwork. The signature also covers
// body, the encapsulated request, so what is said about one client cannot be applied to another.
func SignRelay(key ed25519.PrivateKey, collector, network string, body []byte, now time.Time) (authorization string) {
	ts, sum := strconv.FormatInt(now.Unix(), 10), sha256.Sum256(body)
	return relayScheme + "ts=" + ts +
		",key=" + authEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) +
		",body=" + authEncoding.EncodeToString(sum[:]) +
		",sig=" + authEncoding.EncodeToString(ed25519.Sign(key, authMessage(relayContext, sum[:], ts, collector, network)))
}

// VerifyRelay checks that one of keys signed the header, at a time at most skew before or after
// now, and returns the SHA-256 of the body that it was signed for. It needs only the header, so a
// gateway can identify a relay before it reads the body. The gateway must then compare the body's
// hash. Every error wraps [ErrRelay].
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
