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

var personWords = words{
	'a': " account accounts author authors ",
	'c': " customer customers contact contacts ",
	'e': " employee employees ",
	'f': " friend friends ",
	'h': " home ",
	'm': " member members ",
	'p': " profile profiles people person patient patients ",
	's': " student students ",
	'u': " user users u ",
}

// namesSecretNext reports whether the path segment after s is likely to give access to something,
// though it may look like a word: "/reset/abcdefgh", "/invite/TREEHOUSE".
func namesSecretNext(s string) bool {
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '-' && s[i] != '_' && s[i] != '.' {
			continue
		}
		if secretWords.has(s[start:i]) {
			return true
		}
		start = i + 1
	}
	return false
}

var secretWords = words{
	'a': " activate activation ",
	'c': " confirm confirmation code codes coupon coupons ",
	'f': " forgot ",
	'i': " invite invites invitation invitations ",
	'j': " join ",
	'k': " key keys ",
	'm': " magic ",
	'o': " otp ",
	'r': " reset resets recover recovery referral redeem ",
	's': " secret secrets share shared session sessions ",
	't': " token tokens ",
	'u': " unlock unsubscribe ",
	'v': " verify verification voucher vouchers ",
}

// stepWord reports whether s names a step of what a secret is for, and is none.
func stepWord(s string) bool { return stepWords.has(s) }

var stepWords = words{
	'a': " account all ",
	'c': " create confirm check complete code ",
	'd': " delete done ",
	'e': " email edit error end ",
	'f': " failed ",
	'i': " index ",
	'l': " list link links ",
	'm': " me ",
	'n': " new ",
	'p': " password passwd phone ",
	'r': " request resend refresh ",
	's': " send success start ",
	't': " token ",
	'v': " verify ",
}
