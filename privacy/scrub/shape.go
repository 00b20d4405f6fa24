package scrub

import "strings"

// shape counts what a piece of text consists of, to tell words from random strings.
type shape struct {
	lower, upper, digits int
	digitRuns            int // runs of consecutive digits
	notHex               int // letters beyond f
}

func shapeOf(s string) (h shape) {
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			h.digits++
			if i == 0 || !isDigit(s[i-1]) {
				h.digitRuns++
			}
		case isLetter(c):
			if c >= 'a' {
				h.lower++
			} else {
				h.upper++
			}
			if !isHex(c) {
				h.notHex++
			}
		}
	}
	return h
}

func (h shape) letters() int { return h.lower + h.upper }

// mixedCase reports whether capitals are about as frequent as in random text. Words have fewer,
// even in camelCase, and acronyms have only capitals.
func (h shape) mixedCase() bool {
	return h.upper*8 >= h.letters()*3 && h.upper*8 <= h.letters()*7
}

// routeWord reports whether a path segment looks like a word of a route, as written by a
// programmer: at most 64 ASCII letters, digits and "-._~:", fewer than three digits, no hexadecimal
// of 8 or more digits, and no piece between separators that is long or looks random.
func routeWord(s string) bool {
	if len(s) > maxSegmentText || s[0] == '~' { // ~name is a person's home page
		return false
	}
	var digits, letters, notHex, start int
	for i := 0; i <= len(s); i++ {
		if i < len(s) && (isLetter(s[i]) || isDigit(s[i])) {
			continue
		}
		h := shapeOf(s[start:i])
		if i < len(s) && strings.IndexByte("-._~:", s[i]) < 0 || !h.routeStretch() {
			return false
		}
		digits, letters, notHex = digits+h.digits, letters+h.letters(), notHex+h.notHex
		start = i + 1
	}
	return digits < 3 && (notHex > 0 || letters+digits < 8)
}

// routeStretch reports whether letters and digits without separators could be a word, or a few
// words in camelCase.
func (h shape) routeStretch() bool {
	n := h.letters() + h.digits
	switch {
	case n >= 20,
		n >= 6 && h.lower > 0 && h.upper > 0 && h.digits > 0,
		h.letters() >= 8 && h.mixedCase():
		return false
	}
	return true
}

// randomPiece reports whether a run of letters and digits in a text looks like part of an id, key
// or token rather than a word, an identifier or a number. It is more lenient than routeWord,
// because more of a text is worth keeping.
func randomPiece(s string) bool {
	h := shapeOf(s)
	switch {
	case len(s) >= 40,
		len(s) >= 16 && h.notHex == 0,
		len(s) >= 8 && h.notHex == 0 && h.digits > 0,
		len(s) >= 16 && h.digits >= 4,
		len(s) >= 10 && h.lower > 0 && h.upper > 0 && h.digits > 0 && (h.digitRuns > 1 || h.mixedCase()),
		h.letters() >= 16 && h.mixedCase():
		return true
	}
	return false
}

// looksLikeEmail reports whether s contains an @ between a name and a domain with a dot.
func looksLikeEmail(s string) bool {
	i := strings.IndexByte(s, '@')
	return i > 0 && strings.IndexByte(s[i+1:], '.') > 0
}

// tokenPrefixes are the prefixes of the credentials of well-known issuers.
var tokenPrefixes = [...]string{
	"eyJ", // JSON Web Token: base64url of {"
	"sk_", "pk_", "rk_", "sk-", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxs-",
	"xapp-", "npm_", "pypi-", "AKIA", "ASIA", "AIza", "ya29.", "SG.", "shpat_", "dop_v1_", "hvs.", "AGE-SECRET-KEY-",
}

// tokenStarts are the first bytes of tokenPrefixes.
const tokenStarts = "eswprgxnAySdh"

// looksLikeToken reports whether s, or a part of it after a separator, has the prefix and the
// length of a credential of a well-known issuer.
func looksLikeToken(s string) bool {
	for i := 0; i+16 <= len(s); i++ {
		if i > 0 && isAlnum(s[i-1]) || strings.IndexByte(tokenStarts, s[i]) < 0 {
			continue
		}
		for _, prefix := range tokenPrefixes {
			if strings.HasPrefix(s[i:], prefix) {
				return true
			}
		}
	}
	return false
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isHex(c byte) bool    { return isDigit(c) || (c|0x20 >= 'a' && c|0x20 <= 'f') }

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
