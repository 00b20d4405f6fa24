package scrub

import (
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// Placeholders for what was removed from the path of a URL.
const (
	pathID    = ":id"
	pathEmail = "[email]"
	pathToken = "[token]"
)

const (
	maxSegmentText = 64 // bytes of a path segment that may be kept
	// bytes of a path segment that are looked at; enough for any text that may be kept, even if it
	// is escaped three times over
	maxSegmentRaw = 1024
	maxEscaping   = 3 // how often a path segment may be percent-encoded over again
)

// URL returns raw without what could identify the user or tell what they see. It drops user,
// password, query, fragment and path parameters (after ";"). It keeps a path segment only if it
// looks like a word of a route, and decides this after percent-decoding. A segment with an e-mail
// address becomes "[email]", one with a credential "[token]", and any other ":id", as does a name
// after "users" and the like, and what follows "reset", "invite" and the like. Names that look like
// words, elsewhere in the path or in the host, cannot be recognised and stay.
//
// The result has at most [report.MaxURL] bytes; if it would be longer, whole segments are dropped
// from its end. It is "" unless raw is an absolute http, https, ws or wss URL with a valid host.
// Scrubbing the result again does not change it. URL takes time linear in len(raw).
func URL(raw string) string {
	i := strings.Index(raw[:min(len(raw), len("https://"))], "://")
	if i < 0 {
		return ""
	}
	scheme, ok := webScheme(raw[:i])
	if !ok {
		return ""
	}
	rest := raw[i+len("://"):]
	// browsers treat a backslash as a slash (WHATWG URL, section 4.4)
	end := 0
	for end < len(rest) && !endsHost(rest[end]) {
		end++
	}
	url, ok := appendOrigin(make([]byte, 0, 128), scheme, rest[:end])
	if !ok {
		return ""
	}
	return string(appendPath(url, pathOf(rest[end:])))
}

// endsHost reports whether c ends the authority of a URL.
func endsHost(c byte) bool { return c == '/' || c == '\\' || c == '?' || c == '#' }

// pathOf returns what is before the query and the fragment.
func pathOf(s string) string {
	for i := range len(s) {
		if s[i] == '?' || s[i] == '#' {
			return s[:i]
		}
	}
	return s
}

// appendPath appends the scrubbed form of a path, as much of it as fits.
func appendPath(url []byte, path string) []byte {
	if path == "" {
		return append(url, '/')
	}
	before := "" // the segment before that said something
	for path != "" {
		n := 1 // path starts with a slash or backslash
		for n < len(path) && path[n] != '/' && path[n] != '\\' {
			n++
		}
		segment := scrubSegment(path[1:n], before)
		path = path[n:]
		if len(url)+1+len(segment) > report.MaxURL {
			break
		}
		url = append(append(url, '/'), segment...)
		if segment != "" && segment != "." {
			before = segment
		}
	}
	return url
}

// scrubSegment returns a path segment if it may be kept after the segment before, or a placeholder
// for it.
func scrubSegment(raw, before string) string {
	raw, _, _ = strings.Cut(raw, ";")
	if raw == "" || raw == pathID || raw == pathEmail || raw == pathToken {
		return raw
	}
	if len(raw) > maxSegmentRaw {
		return pathID
	}
	s := unescape(raw)
	switch {
	case looksLikeEmail(s):
		return pathEmail
	case looksLikeToken(s):
		return pathToken
	case !routeWord(s), namesPersonNext(before) && !equalASCII(s, "me"), namesSecretNext(before) && !stepWord(s):
		return pathID
	}
	return s
}

// unescape undoes percent-encoding, up to maxEscaping times. It leaves invalid encodings unchanged.
func unescape(s string) string {
	for range maxEscaping {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			break
		}
		b := append(make([]byte, 0, len(s)), s[:i]...)
		for ; i < len(s); i++ {
			if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
				b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
				i += 2
			} else {
				b = append(b, s[i])
			}
		}
		s = string(b)
	}
	return s
}

// namesPersonNext reports whether the path segment after s is likely to be a person's name.
func namesPersonNext(s string) bool { return personWords.has(s) }

const personWords words = " user users u profile profiles account accounts member members people person author authors " +
	"customer customers patient patients student students employee employees contact contacts " +
	"friend friends home "

// namesSecretNext reports whether the path segment after s is likely to give access to something,
// though it may look like a word: "/reset/abcdefgh", "/invite/TREEHOUSE".
func namesSecretNext(s string) bool {
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if secretWords.has(word) {
			return true
		}
	}
	return false
}

const secretWords words = " reset resets recover recovery forgot referral invite invites invitation invitations verify " +
	"verification confirm confirmation activate activation token tokens magic otp code codes key " +
	"keys secret secrets voucher vouchers coupon coupons redeem unlock unsubscribe share shared " +
	"join session sessions "

// stepWord reports whether s names a step of what a secret is for, and is none.
func stepWord(s string) bool { return stepWords.has(s) }

const stepWords words = " password passwd email phone account new edit list create delete confirm request send resend " +
	"check verify done complete success failed error link links code token all me index start end " +
	"refresh "
