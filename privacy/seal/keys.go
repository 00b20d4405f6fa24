package seal

import (
	"crypto/hpke"
	"crypto/sha256"
	"errors"
)

// Sizes of encoded keys in bytes.
const (
	KeySize     = 1216 // ML-KEM-768 encapsulation key and X25519 public key
	OpenKeySize = 32   // the seed of both private keys
)

// The only cipher suite (RFC 9180). The KEM is MLKEM768-X25519, also called X-Wing, 0x647a in
// IANA's registry.
var (
	suiteKEM  = hpke.MLKEM768X25519()
	suiteKDF  = hpke.HKDFSHA256()
	suiteAEAD = hpke.ChaCha20Poly1305()
)

// KeyID is the name of a [Key]: the first 8 bytes of the SHA-256 of its encoding. It helps to find
// the key and proves nothing.
type KeyID [8]byte

// Key is the detector's public key, to which segments are sealed. It is immutable and safe for
// concurrent use.
type Key struct {
	key   hpke.PublicKey
	bytes []byte
	id    KeyID
}

// ParseKey is the inverse of [Key.Bytes].
func ParseKey(b []byte) (*Key, error) {
	if len(b) != KeySize {
		return nil, errors.New("seal key must have 1216 bytes")
	}
	key, err := suiteKEM.NewPublicKey(b)
	if err != nil {
		return nil, errors.New("seal key is not a valid MLKEM768-X25519 public key")
	}
	return newSealKey(key), nil
}

func newSealKey(key hpke.PublicKey) *Key {
	k := &Key{key: key, bytes: key.Bytes()}
	sum := sha256.Sum256(k.bytes)
	copy(k.id[:], sum[:])
	return k
}

// Bytes returns the key in [KeySize] bytes, in the form of SerializePublicKey in RFC 9180. The
// caller owns the result.
func (k *Key) Bytes() []byte { return append([]byte(nil), k.bytes...) }

// ID returns the key's name.
func (k *Key) ID() KeyID { return k.id }

// OpenKey is the detector's private key. It is immutable and safe for concurrent use.
type OpenKey struct {
	key  hpke.PrivateKey
	seal *Key
}

// GenerateOpenKey returns a new key, made with the system's random source.
func GenerateOpenKey() (*OpenKey, error) {
	key, err := suiteKEM.GenerateKey()
	if err != nil {
		return nil, errors.New("generate open key: " + err.Error())
	}
	return &OpenKey{key: key, seal: newSealKey(key.PublicKey())}, nil
}

// ParseOpenKey is the inverse of [OpenKey.Bytes]. Any [OpenKeySize] bytes are a key.
func ParseOpenKey(seed []byte) (*OpenKey, error) {
	if len(seed) != OpenKeySize {
		return nil, errors.New("open key must have 32 bytes")
	}
	key, err := suiteKEM.NewPrivateKey(seed)
	if err != nil {
		return nil, errors.New("open key is not a valid MLKEM768-X25519 seed")
	}
	return &OpenKey{key: key, seal: newSealKey(key.PublicKey())}, nil
}

// Bytes returns the key's seed of [OpenKeySize] bytes. The caller owns the result and must keep it
// secret.
func (k *OpenKey) Bytes() []byte {
	seed, err := k.key.Bytes()
	if err != nil {
		return nil // cannot happen: every OpenKey was made from a seed
	}
	return append([]byte(nil), seed...)
}

// SealKey returns the public half of the key.
func (k *OpenKey) SealKey() *Key { return k.seal }
