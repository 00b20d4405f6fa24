package replay

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner reads the JSON object of one line. Its values are strings and numbers. With
// encoding/json, decoding would cost several times as much as judging; BenchmarkDecode
// compares the two.
type scanner struct {
	line  []byte
	at    int
	names interner
}

// object calls member for every key. member reads the value.
func (s *scanner) object(member func(key string) error) error {
	s.space()
	if !s.take('{') {
		return faultf("line", "is no JSON object")
	}
	s.space()
	if s.take('}') {
		return s.end()
	}
	for {
		s.space()
		key, err := s.text("line")
		if err != nil {
			return err
		}
		if s.space(); !s.take(':') {
			return faultf(key, "want a colon after the key, at byte %d", s.at+1)
		}
		s.space()
		if err := member(key); err != nil {
			return err
		}
		s.space()
		if s.take('}') {
			return s.end()
		}
		if !s.take(',') {
			return faultf(key, "want a comma or the end of the object after the value, at byte %d", s.at+1)
		}
	}
}

// end returns an error unless the line ends here.
func (s *scanner) end() error {
	if s.space(); s.at < len(s.line) {
		return faultf("line", "has something after the object, at byte %d", s.at+1)
	}
	return nil
}

func (s *scanner) space() {
	for s.at < len(s.line) {
		switch s.line[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.line) && s.line[s.at] == c {
		s.at++
		return true
	}
	return false
}

// text reads a string.
func (s *scanner) text(field string) (string, error) {
	if !s.take('"') {
		return "", faultf(field, "want a string, at byte %d", s.at+1)
	}
	start, plain := s.at, true
	for ; s.at < len(s.line); s.at++ {
		switch c := s.line[s.at]; {
		case c == '"':
			raw := s.line[start:s.at]
			s.at++
			if plain {
				return s.names.string(raw), nil
			}
			return unquote(field, s.line[start-1:s.at])
		case c == '\\':
			plain = false
			s.at++ // whatever is escaped does not end the string
		case c < ' ':
			return "", faultf(field, "has a control character in a string, at byte %d", s.at+1)
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return "", faultf(field, "has a string without an end")
}

// unquote reads a string with escapes or letters beyond ASCII.
func unquote(field string, quoted []byte) (string, error) {
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return "", faultf(field, "has an invalid string")
	}
	return strings.ToValidUTF8(text, "\ufffd"), nil
}

// number reads a JSON number.
func (s *scanner) number(field string) ([]byte, error) {
	start := s.at
	s.take('-')
	switch {
	case s.take('0'):
	case s.digits() == 0:
		return nil, faultf(field, "want a number, at byte %d", start+1)
	}
	if s.take('.') && s.digits() == 0 {
		return nil, faultf(field, "want a digit after the point, at byte %d", s.at+1)
	}
	if s.take('e') || s.take('E') {
		_ = s.take('+') || s.take('-')
		if s.digits() == 0 {
			return nil, faultf(field, "want a digit in the exponent, at byte %d", s.at+1)
		}
	}
	return s.line[start:s.at], nil
}

func (s *scanner) digits() (n int) {
	for s.at < len(s.line) && s.line[s.at]-'0' <= 9 {
		s.at++
		n++
	}
	return n
}

// integer reads a whole number from 0 to most.
func (s *scanner) integer(field string, most uint64) (uint64, error) {
	text, err := s.number(field)
	if err != nil {
		return 0, err
	}
	n := uint64(0)
	for _, c := range text {
		if c -= '0'; c > 9 || n > (math.MaxUint64-9)/10 {
			return wholeFloat(field, text, most)
		}
		n = n*10 + uint64(c)
	}
	if n > most {
		return 0, faultf(field, "%s is above %d", text, most)
	}
	return n, nil
}

// wholeFloat reads a whole number that is written with a point, an exponent or very many digits.
func wholeFloat(field string, text []byte, most uint64) (uint64, error) {
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil || x < 0 || x != math.Trunc(x) || x > float64(most) || x > 1<<53 {
		return 0, faultf(field, "%s is no whole number from 0 to %d", text, most)
	}
	return uint64(x), nil
}

// float reads a number of at least 0.
func (s *scanner) float(field string) (float64, error) {
	text, err := s.number(field)
	if err != nil {
		return 0, err
	}
	if len(text) < 10 { // nearly always a small whole number
		n := 0
		for _, c := range text {
			if c -= '0'; c > 9 {
				n = -1
				break
			}
			n = n*10 + int(c)
		}
		if n >= 0 {
			return float64(n), nil
		}
	}
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil || x < 0 {
		return 0, faultf(field, "%s is no number from 0 to 1.7e308", text)
	}
	return x, nil
}

// interner keeps one copy of each string that is repeated, up to a limit. A nil interner
// keeps none.
type interner map[string]string

// maxInterned is how many strings are kept. When there are more, all are forgotten.
const maxInterned = 16384

func (in interner) string(b []byte) string {
	if s, ok := in[string(b)]; ok {
		return s
	}
	s := string(b)
	if in == nil || len(s) > 64 {
		return s
	}
	if len(in) >= maxInterned {
		clear(in)
	}
	in[s] = s
	return s
}
