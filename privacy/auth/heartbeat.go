package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// ErrHeartbeat is returned, wrapped, for a heartbeat that is not signed by a key that may send it,
// was not signed recently, or is meant for another vantage.
var ErrHeartbeat = errors.New("heartbeat is not authorized")

const (
	heartbeatScheme  = "Heliograph-Heartbeat "
	heartbeatContext = "heliograph heartbeat v1\x00"
)

// SignHeartbeat returns the Authorization header of a heartbeat for the vantage with the given id.
// The signature covers the id, so that one vantage cannot pass on what it got to another.
func SignHeartbeat(key ed25519.PrivateKey, vantage string, body []byte, now time.Time) (authorization string) {
	ts, sum := strconv.FormatInt(now.Unix(), 10), sha256.Sum256(body)
	return heartbeatScheme + "ts=" + ts +
		",key=" + authEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) +
		",body=" + authEncoding.EncodeToString(sum[:]) +
		",sig=" + authEncoding.EncodeToString(ed25519.Sign(key, authMessage(heartbeatContext, sum[:], ts, vantage)))
}

// VerifyHeartbeat returns the one of keys that signed the header, at a time at most skew before or
// after now, and the SHA-256 of the body that it was signed for, which the caller must compare. It
// needs only the header, so a body of an unknown sender is not read. It does not notice that a
// heartbeat comes twice; the body has a number for that. Every error wraps [ErrHeartbeat].
func VerifyHeartbeat(authorization, vantage string, now time.Time, skew time.Duration, keys ...ed25519.PublicKey) (
	signer ed25519.PublicKey, body [sha256.Size]byte, err error) {
	v, ok := authValues(authorization, heartbeatScheme, "ts", "key", "body", "sig")
	if !ok {
		return nil, body, wire.Because(ErrHeartbeat, malformedHeader)
	}
	sum, ok := authBytes(v[2], sha256.Size)
	if !ok {
		return nil, body, wire.Because(ErrHeartbeat, malformedHeader)
	}
	signer, fault := checkSigned(v[0], v[1], v[3], authMessage(heartbeatContext, sum, v[0], vantage), now, skew, keys)
	if fault != "" {
		return nil, body, wire.Because(ErrHeartbeat, fault)
	}
	return signer, [sha256.Size]byte(sum), nil
}
