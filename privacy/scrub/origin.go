package scrub

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// greatest length of a host name in bytes (RFC 1035, section 2.3.4, without length octets)
const maxHost = 253

// Target returns the origin (RFC 6454) of a request to host, which may end in a port:
// "https://shop.example", "https://127.0.0.1:8443". The scheme is http, https, ws or wss in any
// case. Letters become lower case, those beyond ASCII Punycode; the scheme's default port is
// dropped, and so are user, password, a final dot and the zone of an IPv6 address. It returns ""
// for anything that is not an origin of at most report.MaxString bytes.
func Target(scheme, host string) string {
	scheme, ok := webScheme(scheme)
	if !ok {
		return ""
	}
	origin, ok := appendOrigin(make([]byte, 0, len("https://")+len(host)), scheme, host)
	if !ok || len(origin) > report.MaxString {
		return ""
	}
	return string(origin)
}

// webScheme returns the scheme in lower case, and whether it is one that requests are made with.
func webScheme(s string) (string, bool) {
	for _, scheme := range [...]string{"https", "http", "wss", "ws"} {
		if equalASCII(s, scheme) {
			return scheme, true
		}
	}
	return "", false
}

// equalASCII reports whether s equals lower, which is in lower case, when the case of ASCII letters
// is ignored. (strings.EqualFold would treat U+017F as an s.)
func equalASCII(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		if lowerASCII(s[i]) != lower[i] {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// appendOrigin appends the origin of an authority (RFC 3986, section 3.2).
func appendOrigin(dst []byte, scheme, authority string) ([]byte, bool) {
	hostport := authority[strings.LastIndexByte(authority, '@')+1:]
	host, port, ok := splitPort(hostport)
	if !ok {
		return nil, false
	}
	dst = append(append(dst, scheme...), "://"...)
	if strings.HasPrefix(host, "[") {
		dst, ok = appendIPv6(dst, host)
	} else {
		dst, ok = appendHost(dst, host)
	}
	if !ok {
		return nil, false
	}
	if port == "" {
		return dst, true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, false
	}
	if (n == 443 && (scheme == "https" || scheme == "wss")) || (n == 80 && (scheme == "http" || scheme == "ws")) {
		return dst, true
	}
	return strconv.AppendUint(append(dst, ':'), n, 10), true
}

// splitPort splits "host:port", "host:" or "host". An IPv6 address keeps its brackets.
func splitPort(s string) (host, port string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") {
		return s, "", true
	}
	host, port = s[:i], s[i+1:]
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	return host, port, bracketed || !strings.ContainsRune(host, ':')
}

// appendIPv6 appends an address in brackets in its shortest form (RFC 5952), without its zone,
// which names an interface of the client.
func appendIPv6(dst []byte, host string) ([]byte, bool) {
	inner, ok := strings.CutSuffix(host[1:], "]")
	if !ok || len(inner) > maxHost {
		return nil, false
	}
	inner, _, _ = strings.Cut(inner, "%")
	a, err := netip.ParseAddr(inner)
	if err != nil || !a.Is6() {
		return nil, false
	}
	return append(a.AppendTo(append(dst, '[')), ']'), true
}

// appendHost appends a host name or IPv4 address in lower case, as DNS has it: letters beyond ASCII
// (internationalized names) become Punycode, and the dot of the root goes. Nothing that would have
// to be escaped may be in it.
func appendHost(dst []byte, host string) ([]byte, bool) {
	if len(host) > 2*maxHost {
		return nil, false
	}
	host, ok := hostName(host)
	if !ok || host == "" || len(host) > maxHost || host[0] == '.' {
		return nil, false
	}
	for _, r := range host {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			dst = append(dst, byte(r))
		case r >= 'A' && r <= 'Z':
			dst = append(dst, lowerASCII(byte(r)))
		default:
			return nil, false
		}
	}
	return dst, true
}
