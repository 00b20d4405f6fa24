package scrub

import "strings"

// isDelimiter reports whether s[i] ends a word. An apostrophe between letters does not
// (o'brien@example.com).
func isDelimiter(s string, i int) bool {
	switch c := s[i]; c {
	case '"', '`', '<', '>', '(', ')', '[', ']', '{', '}', ',', ';', ':', '|', '=', '\\', '&', '?', '#', '!', '*', '^', '$':
		return true
	case '\'':
		return i == 0 || i+1 == len(s) || !isAlnum(s[i-1]) || !isAlnum(s[i+1])
	default:
		return c <= ' ' || c == 0x7f
	}
}

func isAlnum(c byte) bool { return isLetter(c) || isDigit(c) || c >= 0x80 }

// placeholderAt returns the placeholder that s starts with and its length in bytes, or 0.
func placeholderAt(s string) (n int, placeholder string) {
	if s[0] == '[' {
		for _, p := range placeholders {
			if strings.HasPrefix(s, p) {
				return len(p), p
			}
		}
	}
	return 0, ""
}

// standIn returns the placeholder for a word, or "" if the word may stay. It undoes
// percent-encoding first.
func standIn(w string) string {
	w = unescape(w)
	switch {
	case len(w) > 1 && strings.IndexByte(w, '@') >= 0:
		return textEmail
	case hasIPv4(w):
		return textIP
	case looksLikeToken(w):
		return textToken
	}
	digits, start := 0, 0
	for i := 0; i <= len(w); i++ {
		if i < len(w) && (isLetter(w[i]) || isDigit(w[i])) {
			if isDigit(w[i]) {
				digits++
			}
			continue
		}
		if piece := w[start:i]; randomPiece(piece) {
			if shapeOf(piece).notHex > 0 {
				return textToken
			}
			return textID
		}
		start = i + 1
	}
	if digits >= 7 {
		return textID
	}
	return ""
}

// hasIPv4 reports whether w contains four numbers joined by dots, all but the last of at most three
// digits.
func hasIPv4(w string) bool {
	groups, digits := 1, 0
	for i := range len(w) {
		switch {
		case isDigit(w[i]):
			if digits++; groups == 4 {
				return true
			}
		case w[i] == '.' && digits > 0 && digits <= 3:
			groups, digits = groups+1, 0
		default:
			groups, digits = 1, 0
		}
	}
	return false
}

// secretKeys are the endings of names whose values are secret, in lower case without separators.
var secretKeys = [...]string{"password", "passwd", "passcode", "passwort", "pwd", "secret", "token", "apikey", "accesskey", "privatekey", "secretkey",
	"credential", "credentials", "sessionid", "sessid", "csrf", "xsrf", "otp", "cvv", "cvc", "ssn", "signature", "jwt"}

// personKeys are the endings of names whose values are people's, likewise.
var personKeys = [...]string{"user", "username", "userid", "login", "email", "firstname", "lastname", "fullname", "surname", "nickname", "phone",
	"customer", "account", "uid", "accountname", "accountid", "customerid"}

// expectAfter returns what to expect of the next word after word w, which is followed by rest.
func expectAfter(w, rest string) expectation {
	if strings.HasPrefix(rest, `\`) && (equalASCII(w, "users") || equalASCII(w, "home")) {
		return userName
	}
	if equalASCII(w, "bearer") {
		return bearerToken
	}
	for _, key := range [...]string{"pass", "pw", "pin", "sid", "session"} {
		if equalASCII(w, key) {
			return secretValue
		}
	}
	var buf [16]byte // the last letters of w, right-aligned; long enough for every key
	i := len(buf)
	for j := len(w) - 1; j >= 0 && i > 0; j-- {
		switch c := lowerASCII(w[j]); {
		case isLetter(c), isDigit(c):
			i--
			buf[i] = c
		case c != '-' && c != '_':
			j = 0 // what is before a dot or slash belongs to another name
		}
	}
	name := string(buf[i:])
	switch {
	case strings.HasSuffix(name, "authorization"), strings.HasSuffix(name, "cookie"), strings.HasSuffix(name, "passphrase"):
		return headerValue
	case strings.HasSuffix(name, "iban"):
		return accountNumber
	case strings.HasSuffix(name, "token") && strings.HasPrefix(rest, " "):
		return bearerToken
	}
	for _, key := range secretKeys {
		if strings.HasSuffix(name, key) {
			return secretValue
		}
	}
	for _, key := range personKeys {
		if strings.HasSuffix(name, key) {
			return personValue
		}
	}
	return nothing
}

// valueLen returns the length in bytes of the value that rest starts with. If the byte before it is
// an opening quote, the value ends at the closing one. Otherwise it ends at white space, a quote,
// or what ends a value in JSON, in the query of a URL or in a list.
func valueLen(rest string, before byte) int {
	if before == '"' || before == '\'' || before == '`' {
		if n := strings.IndexByte(rest, before); n >= 0 {
			return n
		}
	}
	return indexAnyOrLen(rest, " \t\r\n\"'`,;&<>)}]")
}

func lineLen(rest string) int { return indexAnyOrLen(rest, "\n") }

func queryLen(rest string) int { return indexAnyOrLen(rest, " \t\r\n\"'`<>") }

// urlLen returns the length in bytes of the URL that rest starts with, without the punctuation of
// the sentence around it.
func urlLen(rest string, quoted bool) int {
	n := 0
	for n < len(rest) && rest[n] > ' ' && rest[n] != 0x7f && strings.IndexByte("\"`<>", rest[n]) < 0 && !(quoted && rest[n] == '\'') {
		n++
	}
	for n > 0 && strings.IndexByte(".,:;!?)}]'", rest[n-1]) >= 0 {
		if url := rest[:n]; strings.HasSuffix(url, pathEmail) || strings.HasSuffix(url, pathToken) {
			break
		}
		n--
	}
	return n
}

func indexAnyOrLen(s, chars string) int {
	if n := strings.IndexAny(s, chars); n >= 0 {
		return n
	}
	return len(s)
}

// addressLen returns the length in bytes of the IPv6 or MAC address that rest starts with,
// including its zone, or 0. It takes as an address any hexadecimal with two adjacent colons and a
// decimal digit, or with five colons. Such text is not a time of day or a position in a file, and
// hardly ever a name. A closer look would make the result depend on what follows.
func addressLen(rest string) int {
	if rest[0] == ':' && (len(rest) < 3 || !isHex(rest[2])) {
		return 0 // two colons with nothing after them
	}
	n, colons, digit := 0, 0, false
	for ; n < len(rest) && (isHex(rest[n]) || rest[n] == ':' || rest[n] == '.'); n++ {
		switch {
		case rest[n] == ':':
			colons++
		case isDigit(rest[n]):
			digit = true
		}
	}
	if run := rest[:n]; colons < 5 && !(digit && strings.Contains(run, "::")) {
		return 0
	}
	if rest[n-1] == '.' || (rest[n-1] == ':' && rest[n-2] != ':') {
		n-- // a full stop that belongs to the sentence
	}
	if n < len(rest) && rest[n] == '%' {
		for n < len(rest) && !isDelimiter(rest, n) {
			n++
		}
	}
	return n
}

const maxIBAN = 34 // ISO 13616-1

// ibanLen returns the length in bytes of the bank account's number that rest starts with, or 0: two
// capitals, two digits, then letters and digits, in groups or not. When it was announced it may be
// incomplete, and begin with small letters; else its check digits must be right.
func ibanLen(rest string, announced bool) int {
	country := isUpper
	if announced {
		country = isLetter
	}
	if len(rest) < 4 || !country(rest[0]) || !country(rest[1]) || !isDigit(rest[2]) || !isDigit(rest[3]) {
		return 0
	}
	n, best := 0, 0
	var text [maxIBAN]byte
	for i := 0; i < len(rest) && n < maxIBAN; i++ {
		c := rest[i]
		if c == ' ' && i+1 < len(rest) && (isUpper(rest[i+1]) || isDigit(rest[i+1])) && rest[i-1] != ' ' {
			continue
		}
		if !isUpper(c) && !isDigit(c) && i > 1 {
			break
		}
		text[n] = c
		n++
		if end := i+1 == len(rest) || !isAlnum(rest[i+1]); end && (announced || n >= 15 && checksIBAN(text[:n])) {
			best = i + 1
		}
	}
	return best
}

// checksIBAN computes the check digits (ISO/IEC 7064, MOD 97-10).
func checksIBAN(text []byte) bool {
	rest := 0
	for i := range text {
		switch c := text[(i+4)%len(text)]; {
		case isDigit(c):
			rest = (rest*10 + int(c-'0')) % 97
		default:
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

const maxCardDigits = 19 // ISO/IEC 7812

// cardLen returns the length in bytes of the card number that rest starts with, or 0. A card number
// has 13 to 19 digits with a valid check digit. Single spaces, dashes or dots may separate
// its digits.
func cardLen(rest string) int {
	var digits [maxCardDigits]byte
	n, best := 0, 0
	for i := 0; i < len(rest) && isDigit(rest[i]); i++ {
		if n == len(digits) {
			break
		}
		digits[n] = rest[i] - '0'
		n++
		end := i + 1
		if end < len(rest) && isDigit(rest[end]) {
			continue
		}
		if n >= 13 && passesLuhn(digits[:n]) && (end == len(rest) || !isAlnum(rest[end])) {
			best = end
		}
		if end < len(rest) && (rest[end] == ' ' || rest[end] == '-' || rest[end] == '.') {
			i = end // the loop ends unless a digit follows
		}
	}
	return best
}

// passesLuhn checks the check digit of a card number (ISO/IEC 7812-1, annex B).
func passesLuhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		if (len(digits)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += int(d)
	}
	return sum%10 == 0
}

// greatest length of an international telephone number in bytes, including punctuation (ITU-T E.164
// allows 15 digits)
const maxPhone = 32

// phoneLen returns the length in bytes of the telephone number that rest starts with, or 0. A
// telephone number is a plus sign and at least 8 digits.
func phoneLen(rest string) int {
	digits, end := 0, 0
	for i := 1; i < min(len(rest), maxPhone); i++ {
		switch c := rest[i]; {
		case isDigit(c):
			digits++
			end = i + 1
		case c != ' ' && c != '-' && c != '.' && c != '(' && c != ')' || digits == 0:
			i = maxPhone
		}
	}
	if digits < 8 {
		return 0
	}
	return end
}

// appendPathText appends w with the names of home directories replaced: "/home/alice/x" becomes
// "/home/[user]/x".
func appendPathText(dst []byte, w string) []byte {
	before := ""
	for {
		part, rest, more := strings.Cut(w, "/")
		if part != "" && (before == "home" || before == "Users") {
			part = textUser
		}
		dst = append(dst, part...)
		if !more {
			return dst
		}
		dst = append(dst, '/')
		before, w = part, rest
	}
}

// words is a list of words in lower case by their first letter, with a space before and behind
// each. Most segments of a path begin with a letter that has few words or none. Strings take a
// fraction of the code of a switch, which counts in browsers.
type words ['z' + 1]string

// has reports whether s is one of the words, in letters of either case.
func (w *words) has(s string) bool {
	var spaced [24]byte
	if s == "" || len(s)+2 > len(spaced) {
		return false
	}
	first := lowerASCII(s[0])
	if first > 'z' || w[first] == "" || strings.IndexByte(s, ' ') >= 0 {
		return false
	}
	for i := range len(s) {
		spaced[i+1] = lowerASCII(s[i])
	}
	spaced[0], spaced[len(s)+1] = ' ', ' '
	return strings.Contains(w[first], string(spaced[:len(s)+2]))
}
