package auth

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Headers that are signed have one form: name=value pairs after a scheme, with commas between them,
// in one order. A time comes first, and a signature last.

const maxAuth = 512 // bytes of such a header

var authEncoding = base64.RawURLEncoding.Strict()

// authValues takes a header apart. There is one way to write each.
func authValues(s, scheme string, names ...string) (values []string, ok bool) {
	if len(s) > maxAuth || strings.ContainsAny(s, "\r\n") { // base64 decoders pass over line ends
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

// authBytes decodes a value of a known size.
func authBytes(value string, size int) ([]byte, bool) {
	b, err := authEncoding.DecodeString(value)
	return b, err == nil && len(b) == size
}

// authTime checks a header's time, which may be at most skew from now in either direction. It
// returns what is wrong with it, or "".
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

// authMessage is what is signed. Each part follows its length, so that no part can be taken for
// another; last is the rest.
func authMessage[T string | []byte](context string, last T, parts ...string) []byte {
	b := []byte(context)
	for _, part := range parts {
		b = append(strconv.AppendInt(b, int64(len(part)), 10), ':')
		b = append(b, part...)
	}
	return append(b, last...)
}
