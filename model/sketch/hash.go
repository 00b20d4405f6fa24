package sketch

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Key is the key of one UTC day. Once it is destroyed, nothing in a set can be tied to a token.
type Key [32]byte

// Hash is what goes into a set for the client with a token: 64 bits of HMAC-SHA256 under the day's
// key.
func Hash(key Key, token uint64) uint64 {
	mac := hmac.New(sha256.New, key[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, token))
	return binary.BigEndian.Uint64(mac.Sum(nil))
}
