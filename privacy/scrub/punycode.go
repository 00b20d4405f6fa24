package scrub

import (
	"strings"
	"unicode"
)

// One host has one name in reports: that of its DNS query, in lower case, without the root's dot,
// and with letters beyond ASCII as Punycode (RFC 3492), as browsers and net/http send it. Names
// are not normalized (Unicode NFC) first: browsers have done so, and what people type is.

// ideographicDots are written for dots between labels (RFC 3490, section 3.1).
const ideographicDots = "\u3002\uff0e\uff61"

// hostName returns a host as it is named in reports, and false for one that cannot be.
func hostName(host string) (string, bool) {
	plain := isASCII(host) // as nearly all are
	if !plain {
		host = strings.Map(func(r rune) rune {
			if strings.ContainsRune(ideographicDots, r) {
				return '.'
			}
			return r
		}, host)
	}
	if strings.Contains(host, "..") {
		return "", false
	}
	host = strings.TrimSuffix(host, ".")
	if plain {
		return host, true
	}
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if isASCII(label) {
			continue
		}
		encoded, ok := punycode(strings.Map(unicode.ToLower, label))
		if !ok {
			return "", false
		}
		labels[i] = "xn--" + encoded
	}
	return strings.Join(labels, "."), true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Parameters of RFC 3492, section 5.
const (
	punyBase        = 36
	punyTMin        = 1
	punyTMax        = 26
	punySkew        = 38
	punyDamp        = 700
	punyInitialBias = 72
	punyInitialN    = 0x80
	maxLabel        = 63 - len("xn--")
)

// punycode encodes a label (RFC 3492, section 6.3). It reports false for one that is too long,
// or has more than letters, marks and digits beyond ASCII.
func punycode(label string) (string, bool) {
	var out []byte
	runes := []rune(label)
	for _, r := range runes {
		if r >= punyInitialN && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) || r == unicode.ReplacementChar {
			return "", false
		}
		if r < punyInitialN {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(punyInitialN), 0, punyInitialBias
	for done := basic; done < len(runes); n++ {
		next := rune(unicode.MaxRune)
		for _, r := range runes {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			out = appendDelta(out, delta, bias)
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		if len(out) > maxLabel { // and nothing overflows
			return "", false
		}
	}
	return string(out), true
}

// appendDelta appends a generalized variable-length integer.
func appendDelta(out []byte, q, bias int) []byte {
	for k := punyBase; ; k += punyBase {
		t := min(max(k-bias, punyTMin), punyTMax)
		if q < t {
			return append(out, punyDigit(q))
		}
		out = append(out, punyDigit(t+(q-t)%(punyBase-t)))
		q = (q - t) / (punyBase - t)
	}
}

func punyDigit(d int) byte { return "abcdefghijklmnopqrstuvwxyz0123456789"[d] }

// adapt is the bias for the next delta (RFC 3492, section 6.1).
func adapt(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (punyBase-punyTMin)*punyTMax/2; k += punyBase {
		delta /= punyBase - punyTMin
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}
