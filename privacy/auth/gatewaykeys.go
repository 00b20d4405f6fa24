package auth

import (
	"crypto/ed25519"
	"errors"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// ErrGatewayKeys says that key configurations are not signed by their collector, or not now.
var ErrGatewayKeys = errors.New("key configurations are not signed by their collector")

const keysContext = "heliograph gateway keys v1\x00"

// gatewayKeysValid is for how long a signed list of key configurations is good, before and after
// its time: clocks may differ.
const gatewayKeysValid = 24 * time.Hour

// SignGatewayKeys returns protocol.HeaderGatewayKeys for the key configurations of the collector
// with this id. The key is that of its receipts: an agent that asks for them through a relay takes
// none that the relay has put in. The time is that of the full hour before now, so that all agents
// get the same within an hour.
func SignGatewayKeys(key ed25519.PrivateKey, collector string, list []byte, now time.Time) string {
	ts := strconv.FormatInt(now.Truncate(time.Hour).Unix(), 10)
	return "ts=" + ts + ",sig=" + authEncoding.EncodeToString(ed25519.Sign(key, authMessage(keysContext, list, ts, collector)))
}

// VerifyGatewayKeys checks that the collector with this id and receipt key offers these key
// configurations now, give or take gatewayKeysValid: a relay cannot bring keys back that were
// replaced long ago. Every error wraps ErrGatewayKeys.
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
