package sketch

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Key is the secret key of one UTC day. Once it is destroyed, no member of a set can be linked to a
// token.
type Key [32]byte

// Hash returns the hash of a client's token: the first 64 bits of its HMAC-SHA256 under the key of
// the day.
func Hash(key Key, token uint64) uint64 {
	mac := hmac.New(sha256.New, key[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, token))
	return binary.BigEndian.Uint64(mac.Sum(nil))
}
