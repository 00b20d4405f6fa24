package scrub

import (
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// What stands in for what was taken out of a URL's path.
const (
	pathID    = ":id"
	pathEmail = "[email]"
	pathToken = "[token]"
)

const (
	maxSegmentText = 64 // bytes of a path segment that may be kept
	// bytes of a path segment that is looked at: longer than any text that may be kept, escaped
	// three times
	maxSegmentRaw = 1024
	maxEscaping   = 3 // how many times over a path segment may be percent-encoded
)

// URL returns raw without what may tell who the user is or what they see: user, password, query,
// fragment and path parameters (";…") are dropped, and a path segment is kept only if it looks like
// a word of a route. One that holds an e-mail address becomes "[email]", a credential "[token]",
// and any other (see routeWord) ":id", as does a name that follows "users" and its like.
// Percent-encoding is undone before looking. Names that look like words, elsewhere in a path or in
// the host, cannot be recognised and stay.
//
// The result is at most report.MaxURL bytes; whole segments are dropped from the end of a longer
// one. It is "" unless raw is an absolute http, https, ws or wss URL with a valid host. Scrubbing
// twice changes nothing. It takes time linear in len(raw).
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
	// browsers take a backslash for a slash (WHATWG URL, section 4.4)
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	url, ok := appendOrigin(make([]byte, 0, 128), scheme, rest[:end])
	if !ok {
		return ""
	}
	path := rest[end:]
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return string(appendPath(url, path))
}

// appendPath appends the scrubbed form of a path, as much of it as fits.
func appendPath(url []byte, path string) []byte {
	if path == "" {
		return append(url, '/')
	}
	before := "" // the segment before that said something
	for path != "" {
		segment := path[1:] // path starts with a slash or backslash
		if i := strings.IndexAny(segment, `/\`); i >= 0 {
			segment = segment[:i]
		}
		path = path[1+len(segment):]
		segment = scrubSegment(segment, namesPersonNext(before))
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

// scrubSegment returns what may be kept of one path segment, or what stands in for it.
func scrubSegment(raw string, isPerson bool) string {
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
	case isPerson && !equalASCII(s, "me"), !routeWord(s):
		return pathID
	}
	return s
}

// unescape undoes percent-encoding, up to maxEscaping times. What is not valid encoding stays, and
// its percent sign with it.
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

// namesPersonNext reports whether a path segment that follows s is likely to be somebody's name.
func namesPersonNext(s string) bool {
	switch strings.ToLower(s) {
	case "user", "users", "u", "profile", "profiles", "account", "accounts", "member", "members", "people", "person", "author",
		"authors", "customer", "customers", "patient", "patients", "student", "students", "employee", "employees", "contact",
		"contacts", "friend", "friends", "home":
		return true
	}
	return false
}
