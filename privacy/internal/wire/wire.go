package wire

import (
	"bytes"
	"crypto/ed25519"

	"github.com/heliograph-net/heliograph/privacy"
)

// CheckMagic checks the four bytes that every binary document starts with: three bytes of magic and
// one byte of version.
func CheckMagic(b []byte, magic string, version byte) error {
	if n := min(len(b), len(magic)); string(b[:n]) != magic[:n] {
		return Because(privacy.ErrMalformed, "does not start with "+magic)
	}
	if len(b) <= len(magic) {
		return Because(privacy.ErrTruncated, "ends within its first bytes")
	}
	if b[len(magic)] != version {
		return privacy.ErrVersion
	}
	return nil
}

// ContainsKey reports whether key is one of keys.
func ContainsKey(keys []ed25519.PublicKey, key ed25519.PublicKey) bool {
	for _, k := range keys {
		if bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

// fault is an error that wraps a sentinel and describes what was wrong.
type fault struct {
	sentinel error
	detail   string
}

func (f *fault) Error() string { return f.sentinel.Error() + ": " + f.detail }
func (f *fault) Unwrap() error { return f.sentinel }

// Because returns an error that wraps sentinel and whose text adds detail.
func Because(sentinel error, detail string) error { return &fault{sentinel: sentinel, detail: detail} }
