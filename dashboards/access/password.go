package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// MinPassword is the least length of a password in bytes, and MaxPassword the greatest.
const (
	MinPassword = 12
	MaxPassword = 1024
)

// The cost of argon2id, as RFC 9106, section 4, recommends where memory is scarce.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	saltSize     = 16
	hashSize     = 32
)

// Hash returns the argon2id hash of a password, in the PHC string format:
// $argon2id$v=19$m=65536,t=3,p=4$salt$hash.
func Hash(password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", fmt.Errorf("a password has %d to %d bytes, this one has %d", MinPassword, MaxPassword, len(password))
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	p := hashed{argonTime, argonMemory, argonThreads, salt, nil}
	p.sum = p.of(password)
	return p.String(), nil
}

// hashed is a hash with what it was made with.
type hashed struct {
	time, memory uint32 // memory in KiB
	threads      uint8
	salt, sum    []byte
}

func (h *hashed) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.sum))
}

func (h *hashed) of(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, hashSize)
}

// matches reports whether the hash is that of a password.
func (h *hashed) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.sum) == 1
}

var errHash = errors.New("is no argon2id hash; make one with heliograph password")

// parseHash reads what Hash returns. The cost is bounded, because each login pays it.
func parseHash(s string) (*hashed, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, errHash
	}
	h := &hashed{}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return nil, errHash
	}
	if h.memory < 8<<10 || h.memory > 256<<10 || h.time < 1 || h.time > 10 || h.threads < 1 || h.threads > 16 {
		return nil, errors.New("has a cost outside of m=8192 to 262144, t=1 to 10, p=1 to 16")
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return nil, errHash
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(h.sum) != hashSize {
		return nil, errHash
	}
	return h, nil
}
