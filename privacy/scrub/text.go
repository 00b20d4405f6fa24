package scrub

import (
	"strings"
	"unicode"
)

// What stands in for what was taken out of a text.
const (
	textEmail  = "[email]"
	textToken  = "[token]"
	textID     = "[id]"
	textIP     = "[ip]"
	textCard   = "[card]"
	textSecret = "[secret]"
	textUser   = "[user]"
	textURL    = "[url]"
	textQuery  = "[query]"
)

var placeholders = [...]string{textEmail, textToken, textID, textIP, textCard, textSecret, textUser, textURL, textQuery}

// Text returns s, a message meant for developers, without the values that tell who the user is or
// that open something: e-mail addresses, IP addresses, card numbers (13 to 19 digits that pass
// ISO/IEC 7812's check), numbers of 7 digits and more, UUIDs, long hexadecimal and base64,
// credentials of well-known issuers, what follows "Bearer", "password=" and the like, names of home
// directories, and whole Authorization and Cookie headers. What stands in for them is in square
// brackets. A URL in the text becomes what URL makes of it, or "[url]". Names and other words
// cannot be recognised and stay: a message is never anonymous for certain.
//
// The result is valid UTF-8 without control characters but tab and line feed; other white space in
// it is plain spaces. Scrubbing twice changes nothing. It takes time and space linear in len(s).
func Text(s string) string {
	t := textScrubber{in: strings.Map(printable, s)}
	t.out = make([]byte, 0, len(t.in)+16)
	for t.pos < len(t.in) {
		t.step()
	}
	return string(t.out)
}

// printable makes a space of every control character but tab and line feed, and of every other
// white space, so that it ends words. strings.Map makes U+FFFD of invalid bytes.
func printable(r rune) rune {
	if r != '\t' && r != '\n' && (unicode.IsControl(r) || unicode.IsSpace(r)) {
		return ' '
	}
	return r
}

// textScrubber goes over a text word by word. Words end at delimiters, which stay as they are.
type textScrubber struct {
	in   string
	pos  int // what is before it has been dealt with
	out  []byte
	next expectation // what the next word is, by what came before it
	sep  bool        // a colon or equals sign has come since
}

// expectation is what a word says about the one after it.
type expectation uint8

const (
	nothing     expectation = iota
	secretValue             // after "password", once a separator has come
	headerValue             // after "Cookie", once a separator has come: the rest of the line
	bearerToken             // after "Bearer"
	userName                // after "C:\Users"
)

// step deals with one delimiter, one word, or one value of several words.
func (t *textScrubber) step() {
	rest := t.in[t.pos:]
	n, stand := placeholderAt(rest)
	if n == 0 {
		if t.sep && t.value(rest) {
			return
		}
		n, stand = t.spaced(rest)
	}
	if n > 0 && t.sep && t.next == headerValue {
		n, stand = lineLen(rest), textSecret
	}
	if n > 0 {
		t.replace(n, stand)
		return
	}
	if rest[0] == '\'' || isDelimiter(t.in, t.pos) { // no word starts with an apostrophe
		t.delimiter(rest[0])
		return
	}
	t.word(rest)
}

// replace puts stand in for the next n bytes.
func (t *textScrubber) replace(n int, stand string) {
	t.out = append(t.out, stand...)
	t.pos += n
	t.next, t.sep = nothing, false
}

// delimiter copies one delimiter and keeps an expectation alive across those that may stand between
// a key and its value.
func (t *textScrubber) delimiter(c byte) {
	t.pos++
	t.out = append(t.out, c)
	switch c {
	case ':', '=':
		t.sep = t.next == secretValue || t.next == headerValue
	case ' ', '\t', '"', '\'', '`', '>', '\\':
		if t.next == userName && c != '\\' {
			t.next = nothing
		}
	default:
		t.next, t.sep = nothing, false
	}
}

// value replaces the value of a key that calls for it, when rest starts with one.
func (t *textScrubber) value(rest string) bool {
	if strings.IndexByte(" \t\"'`>\\:=", rest[0]) >= 0 {
		return false // still on the way to it
	}
	n := 0
	if t.next == headerValue {
		n = lineLen(rest)
	} else {
		n = valueLen(rest, t.in[t.pos-1])
	}
	if n > 0 {
		t.replace(n, textSecret)
	}
	return n > 0
}

// word deals with the word that rest starts with.
func (t *textScrubber) word(rest string) {
	n := 1
	for t.pos+n < len(t.in) && !isDelimiter(t.in, t.pos+n) {
		n++
	}
	w := rest[:n]
	switch {
	case strings.HasPrefix(rest[n:], "://"):
		n = urlLen(rest, t.pos > 0 && t.in[t.pos-1] == '\'')
		stand := URL(rest[:n])
		if stand == "" {
			stand = textURL
		}
		t.replace(n, stand)
		return
	case t.next == userName:
		t.replace(n, textUser)
		return
	case t.next == bearerToken && n >= 8:
		t.replace(n, textToken)
		return
	}
	if stand := standIn(w); stand != "" {
		t.replace(n, stand)
		return
	}
	t.out = appendPathText(t.out, w)
	t.pos += n
	t.next, t.sep = expectAfter(w, rest[n:]), false
	if strings.IndexByte(w, '/') >= 0 && len(rest) > n+1 && rest[n] == '?' && !isDelimiter(t.in, t.pos+1) {
		t.out = append(t.out, '?')
		t.replace(1+queryLen(rest[n+1:]), textQuery)
	}
}

// spaced recognises what may hold delimiters: IPv6 and MAC addresses, card and telephone numbers.
// It returns how long it is.
func (t *textScrubber) spaced(rest string) (n int, stand string) {
	switch c := rest[0]; {
	case c == '+':
		return phoneLen(rest), textID
	case isHex(c), strings.HasPrefix(rest, "::") && !t.afterWord():
		if n = addressLen(rest); n > 0 {
			return n, textIP
		}
		return cardLen(rest), textCard
	}
	return 0, ""
}

// afterWord reports whether what was last written ends in a letter or digit.
func (t *textScrubber) afterWord() bool {
	return len(t.out) > 0 && isAlnum(t.out[len(t.out)-1])
}
