package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// All signed headers have the same form: a scheme, then name=value pairs in a fixed order,
// separated by commas. A time comes first and a signature last.

const maxAuth = 512 // greatest length of such a header in bytes

var authEncoding = base64.RawURLEncoding.Strict()

// authValues splits a header into its values. Every header has exactly one valid spelling.
func authValues(s, scheme string, names ...string) (values []string, ok bool) {
	if len(s) > maxAuth || strings.ContainsAny(s, "\r\n") { // base64 decoders skip line ends
		return nil, false
	}
	s, ok = strings.CutPrefix(s, scheme)
	for i, name := range names {
		if i > 0 {
			name = "," + name
		}
		rest, found := strings.CutPrefix(s, name+"=")
		end := strings.IndexByte(rest, ',')
		if end < 0 {
			end = len(rest)
		}
		values, s, ok = append(values, rest[:end]), rest[end:], ok && found
	}
	return values, ok && s == ""
}

// authBytes decodes a base64 value of the given size in bytes.
func authBytes(value string, size int) ([]byte, bool) {
	b, err := authEncoding.DecodeString(value)
	return b, err == nil && len(b) == size
}

// authTime checks the time of a header, which must be at most skew before or after now. It returns
// what is wrong, or "".
func authTime(ts string, now time.Time, skew time.Duration) (fault string) {
	signed, err := strconv.ParseInt(ts, 10, 64)
	if err != nil || strconv.FormatInt(signed, 10) != ts || signed < 0 {
		return "malformed time"
	}
	if age, most := now.Unix()-signed, int64(skew/time.Second); age > most || -age > most {
		return "signed at another time; are both clocks right?"
	}
	return ""
}

// checkSigned checks what the headers of feeds and relays have in common: a time that is at most
// skew before or after now, a key that is one of keys, and its signature of message. It returns the
// key, or what is wrong.
func checkSigned(ts, key, sig string, message []byte, now time.Time, skew time.Duration, keys []ed25519.PublicKey) (_ ed25519.PublicKey, fault string) {
	signer, ok1 := authBytes(key, ed25519.PublicKeySize)
	signature, ok2 := authBytes(sig, ed25519.SignatureSize)
	if !ok1 || !ok2 {
		return nil, malformedHeader
	}
	if fault := authTime(ts, now, skew); fault != "" {
		return nil, fault
	}
	if !wire.ContainsKey(keys, signer) {
		return nil, "unknown key"
	}
	if !ed25519.Verify(signer, message, signature) {
		return nil, "signature does not match"
	}
	return signer, ""
}

const malformedHeader = "malformed authorization header"

// authMessage returns the message to sign: the context, then each part after its length, so that no
// part can be mistaken for another, then last.
func authMessage[T string | []byte](context string, last T, parts ...string) []byte {
	b := []byte(context)
	for _, part := range parts {
		b = append(strconv.AppendInt(b, int64(len(part)), 10), ':')
		b = append(b, part...)
	}
	return append(b, last...)
}
