package scrub

import (
	"strings"
	"unicode"
)

// Placeholders for what was removed from a text.
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

// Text returns s, a message for developers, without values that identify the user or give access to
// something. It replaces e-mail addresses, IP addresses, card numbers (13 to 19 digits that pass
// the check of ISO/IEC 7812), numbers of 7 or more digits, UUIDs, long hexadecimal and base64,
// credentials of well-known issuers, what follows "Bearer", "password=" and the like, the names of
// home directories, what follows "user=" and the like, bank accounts (ISO 13616), and whole
// Authorization and Cookie headers. Placeholders are in square brackets. A URL in the text is
// replaced by the result of [URL], or by "[url]". Names and other words cannot be recognised and
// stay, so a message is never certain to be anonymous.
//
// The result is valid UTF-8. Its only control characters are tab and line feed, and all other white
// space becomes spaces. Scrubbing the result again does not change it. Text takes time and space
// linear in len(s).
func Text(s string) string {
	t := textScrubber{in: strings.Map(printable, s)}
	t.out = make([]byte, 0, len(t.in)+16)
	for t.pos < len(t.in) {
		t.step()
	}
	return string(t.out)
}

// printable replaces control characters except tab and line feed, and other white space, by a
// space, so that they end words. strings.Map replaces invalid bytes by U+FFFD.
func printable(r rune) rune {
	if r != '\t' && r != '\n' && (unicode.IsControl(r) || unicode.IsSpace(r)) {
		return ' '
	}
	return r
}

// textScrubber scrubs a text word by word. Words end at delimiters, which it copies unchanged.
type textScrubber struct {
	in   string
	pos  int // everything before it is done
	out  []byte
	next expectation // what the next word is, according to the words before it
	sep  bool        // whether a colon or equals sign has followed since
}

// expectation is what one word says about the next.
type expectation uint8

const (
	nothing     expectation = iota
	secretValue             // after "password", once a separator has come, or with a digit
	headerValue             // after "Cookie", once a separator has come: the rest of the line
	bearerToken             // after "Bearer"
	userName                // after "C:\Users"
	// after "user", once an equals sign has come, or a colon behind a quote
	personValue
	accountNumber // after "IBAN"
)

// step handles one delimiter, one word, or one value of several words.
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

// replace writes the placeholder stand instead of the next n bytes.
func (t *textScrubber) replace(n int, stand string) {
	t.out = append(t.out, stand...)
	t.pos += n
	t.next, t.sep = nothing, false
}

// delimiter copies one delimiter. It drops the expectation unless the delimiter may stand between a
// key and its value.
func (t *textScrubber) delimiter(c byte) {
	t.pos++
	t.out = append(t.out, c)
	switch c {
	case ':', '=':
		t.sep = t.next == secretValue || t.next == headerValue || t.next == accountNumber ||
			t.next == personValue && (c == '=' || t.pos > 1 && strings.IndexByte("\"'`", t.in[t.pos-2]) >= 0)
	case ' ', '\t', '"', '\'', '`', '>', '\\':
		if t.next == userName && c != '\\' {
			t.next = nothing
		}
	default:
		t.next, t.sep = nothing, false
	}
}

// value replaces the secret value that rest starts with, if one is expected, and reports whether it
// did.
func (t *textScrubber) value(rest string) bool {
	if strings.IndexByte(" \t\"'`>\\:=", rest[0]) >= 0 {
		return false // the value has not started yet
	}
	n := 0
	if t.next == accountNumber && ibanLen(rest, true) > 0 {
		return false
	}
	if t.next == headerValue {
		n = lineLen(rest)
	} else {
		n = valueLen(rest, t.in[t.pos-1])
	}
	if n > 0 && t.next == personValue {
		t.replace(n, textUser)
	} else if n > 0 {
		t.replace(n, textSecret)
	}
	return n > 0
}

// word handles the word that rest starts with.
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
	stand := standIn(w)
	if stand == "" && t.next == secretValue && n >= 4 && strings.ContainsAny(w, "0123456789") {
		stand = textSecret // "password hunter2"
	}
	if stand != "" {
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

// spaced recognises values that may contain delimiters: IPv6 and MAC addresses, card and telephone
// numbers. It returns the length of the value in bytes and its placeholder.
func (t *textScrubber) spaced(rest string) (n int, stand string) {
	if n = ibanLen(rest, t.next == accountNumber); n > 0 {
		return n, textID
	}
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

// afterWord reports whether the output so far ends in a letter or digit.
func (t *textScrubber) afterWord() bool {
	return len(t.out) > 0 && isAlnum(t.out[len(t.out)-1])
}
