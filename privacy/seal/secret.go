package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// SecretSize is the length of what [Keyring.Secret] returns, in bytes.
const SecretSize = 32

// Secret derives a secret for a purpose from the private key with an id, by HKDF-SHA256 (RFC 5869)
// over the key's seed: holders of the key can share it without another key, and it tells nothing of
// the key or of another purpose's secret. It returns nil if the key is not in the keyring.
func (r *Keyring) Secret(id KeyID, purpose string) []byte {
	key := r.keys[id]
	if key == nil {
		return nil
	}
	secret, err := hkdf.Key(sha256.New, key.Bytes(), nil, "heliograph secret v1\x00"+purpose, SecretSize)
	if err != nil {
		panic(err) // only for a length that is too great
	}
	return secret
}
