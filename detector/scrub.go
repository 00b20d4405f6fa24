package detector

import (
	"slices"
	"strings"
	"unicode"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// Anybody who has the policy, which is public, can seal what no agent would. So everything that
// agents scrub is scrubbed here again, and no text can control a terminal.

// plain returns s without characters that control a terminal or a page: control characters, and
// those that change the direction of text.
func plain(s string) string {
	if strings.IndexFunc(s, commands) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if commands(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func commands(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f
}

// scrubHeader returns a header whose texts are plain.
func scrubHeader(h *report.Header) *report.Header {
	clean := *h
	clean.App, clean.Version, clean.OS = plain(h.App), plain(h.Version), plain(h.OS)
	return &clean
}

// scrubCounter makes the texts of a counter plain.
func scrubCounter(k *report.Counter) {
	k.Target, k.Protocol, k.Server = plain(k.Target), plain(k.Protocol), plain(k.Server)
	if !isOrigin(k.Target) {
		scheme, rest, _ := strings.Cut(k.Target, "://")
		host, _, _ := strings.Cut(rest, "/")
		if k.Target = scrub.Target(scheme, host); k.Target == "" {
			k.Target = invalidTarget
		}
	}
}

// invalidTarget is the target of requests without an origin, as agents count them. All other
// targets are origins.
const invalidTarget = "invalid"

// isOrigin reports whether s looks like an origin of a web request as agents write it.
func isOrigin(s string) bool {
	scheme, host, _ := strings.Cut(s, "://")
	switch scheme {
	case "https", "http", "wss", "ws":
		return host != "" && strings.IndexFunc(host, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_:[]", r))
		}) < 0
	}
	return false
}

// scrubSample returns a sample as an agent would have made it. It drops a URL that is not an http,
// https, ws or wss URL.
func scrubSample(s *report.Sample) *report.Sample {
	clean := *s
	clean.URL = scrub.URL(s.URL)
	clean.Method, clean.Protocol, clean.Server = plain(s.Method), plain(s.Protocol), plain(s.Server)
	return &clean
}

// scrubError returns an application error as an agent would have made it.
func scrubError(e *report.ApplicationError) *report.ApplicationError {
	clean := *e
	clean.URL, clean.Type = scrub.URL(e.URL), plain(e.Type)
	lines := strings.Split(scrub.Text(e.Message), "\n") // a message may have several
	for i := range lines {
		lines[i] = plain(strings.ReplaceAll(lines[i], "\t", " "))
	}
	clean.Message = strings.Join(lines, "\n")
	clean.Frames = slices.Clone(e.Frames)
	for i := range clean.Frames {
		f := &clean.Frames[i]
		f.Function, f.File = plain(f.Function), plain(f.File)
	}
	return &clean
}
