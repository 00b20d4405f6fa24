package bhttp

import "strings"

// checkControl checks the control data of a request by the rules of HTTP/2 for its pseudo-header
// fields (RFC 9113, section 8.3.1). They are strict enough for each part to be safe in a message of
// another HTTP version.
func checkControl(r *Request) error {
	switch {
	case len(r.Method) > MaxControl || len(r.Scheme) > MaxControl || len(r.Authority) > MaxControl || len(r.Path) > MaxControl:
		return tooLarge("control data exceeds MaxControl")
	case !isToken(r.Method):
		return malformed("bad method")
	case !isToken(r.Scheme):
		return malformed("bad scheme")
	case !isVisible(r.Authority):
		return malformed("bad authority")
	case r.Path == "" || !isVisible(r.Path):
		return malformed("bad path")
	}
	return nil
}

// checkField checks a field line that follows before in its section: name and value by the rules of
// HTTP/2 (RFC 9113, section 8.2.1), and the place of pseudo-fields (RFC 9292, section 3.6).
func checkField(f *Field, before []Field, trailer bool) error {
	name, pseudo := strings.CutPrefix(f.Name, ":")
	switch {
	case !isToken(name) || !isLower(name):
		return malformed("bad field name")
	case pseudo && (trailer || ownPseudo(name) || len(before) > 0 && before[len(before)-1].Name[0] != ':'):
		return malformed("misplaced pseudo-field")
	case strings.ContainsAny(f.Value, "\x00\r\n"), f.Value != strings.Trim(f.Value, " \t"):
		return malformed("bad field value")
	}
	return nil
}

// ownPseudo reports whether name is a pseudo-field that belongs in the control data.
func ownPseudo(name string) bool {
	switch name {
	case "method", "scheme", "authority", "path", "status":
		return true
	}
	return false
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func isLower(s string) bool {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

// isVisible reports whether s is of visible ASCII characters only.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
