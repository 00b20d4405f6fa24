package auth

import (
	"crypto/ed25519"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// ErrGatewayKeys is returned, wrapped, for key configurations that are not signed by their
// collector or were not signed recently.
var ErrGatewayKeys = errors.New("key configurations are not signed by their collector")

const keysContext = "heliograph gateway keys v1\x00"

// gatewayKeysValid is how long a signed list of key configurations is valid, before and after its
// time. It allows for clocks that differ.
const gatewayKeysValid = 24 * time.Hour

// SignGatewayKeys returns the header protocol.HeaderGatewayKeys for the key configurations in list,
// of the collector with the given id. key is the collector's receipt key, so an agent that asks
// through a relay notices keys that the relay has inserted. The signed time is now rounded down to
// the hour, so all agents get the same header within an hour.
func SignGatewayKeys(key ed25519.PrivateKey, collector string, list []byte, now time.Time) string {
	ts := strconv.FormatInt(now.Truncate(time.Hour).Unix(), 10)
	return "ts=" + ts + ",sig=" + authEncoding.EncodeToString(ed25519.Sign(key, authMessage(keysContext, list, ts, collector)))
}

// VerifyGatewayKeys checks that the collector with the given id and receipt key offered the key
// configurations in list at most a day before or after now. So a relay cannot bring back keys that
// were replaced long ago. Every error wraps [ErrGatewayKeys].
func VerifyGatewayKeys(header, collector string, list []byte, now time.Time, key ed25519.PublicKey) error {
	v, ok := authValues(header, "", "ts", "sig")
	if !ok {
		return wire.Because(ErrGatewayKeys, "malformed header")
	}
	if fault := authTime(v[0], now, gatewayKeysValid); fault != "" {
		return wire.Because(ErrGatewayKeys, fault)
	}
	if sig, ok := authBytes(v[1], ed25519.SignatureSize); !ok || len(key) != ed25519.PublicKeySize ||
		!ed25519.Verify(key, authMessage(keysContext, list, v[0], collector), sig) {
		return wire.Because(ErrGatewayKeys, "signature does not match")
	}
	return nil
}
